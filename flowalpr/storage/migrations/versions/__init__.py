"""The scripts, in the order that each names."""
