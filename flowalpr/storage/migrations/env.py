"""Run by Alembic: brings the tables of the connection that `migrating.py` hands over up to date."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
