"""Passages: why there is no plate, from when to when, and what was read how often."""

from __future__ import annotations

import sqlalchemy as sql
from alembic import op

revision = "0002"
down_revision = "0001"

TEXTS = ("reason", "stage", "first", "last", "sharp", "direction", "readings")
NUMBERS = ("seen", "reads")


def upgrade() -> None:
    """Add what single reads do not have."""
    there = {column["name"] for column in sql.inspect(op.get_bind()).get_columns("reads")}
    for name in (*TEXTS, *NUMBERS):
        if name not in there:  # Some files of the second version were made before it had `sharp`.
            op.add_column("reads", sql.Column(name, sql.String() if name in TEXTS else sql.Integer()))
