"""Examines a machine, an installation and a flow, and says what to do about what it finds."""
