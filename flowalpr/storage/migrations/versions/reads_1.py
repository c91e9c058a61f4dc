"""The first tables: a row for each read, all of it in clear."""

from __future__ import annotations

import sqlalchemy as sql
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make them."""
    op.create_table("flowalpr_schema", sql.Column("version", sql.Integer, primary_key=True))
    op.create_table(
        "reads",
        sql.Column("id", sql.String, primary_key=True),
        sql.Column("time", sql.String, nullable=False, index=True),  # ISO 8601 in UTC
        sql.Column("camera", sql.String, nullable=False),
        sql.Column("frame", sql.Integer, nullable=False),
        sql.Column("file", sql.String, nullable=False),
        sql.Column("text", sql.String, nullable=False, index=True),
        sql.Column("confidence", sql.Float, nullable=False),
        sql.Column("country", sql.String),
        sql.Column("raw", sql.String, nullable=False),
        sql.Column("repairs", sql.String, nullable=False),  # JSON, as are the two below
        sql.Column("box", sql.String, nullable=False),
        sql.Column("corners", sql.String),
        sql.Column("detection_confidence", sql.Float, nullable=False),
        sql.Column("track", sql.Integer),
    )
