"""The tables of a store. What people ask for by value stands in the open; all that says which car it was is sealed."""

from __future__ import annotations

import sqlalchemy as sql

REVISION = "0003"
"""The newest script in `migrations/versions`; a file of an earlier one is migrated, one of a later is not touched."""

Number = sql.BigInteger().with_variant(sql.Integer, "sqlite")
"""SQLite counts by itself only in a column of just that type."""

TABLES = sql.MetaData()

REVISIONS = sql.Table("alembic_version", TABLES, sql.Column("version_num", sql.String(32), primary_key=True))

STORE = sql.Table(
    "store",
    TABLES,
    sql.Column("name", sql.String, primary_key=True),  # Random, made with the store.
    sql.Column("master", sql.String),  # Which master key wraps the day keys; null where nothing is sealed.
    sql.Column("made", sql.BigInteger, nullable=False),
)
"""One row. All times are microseconds since 1970, UTC."""

KEYS = sql.Table(
    "day_keys",
    TABLES,
    sql.Column("number", Number, primary_key=True),
    sql.Column("day", sql.String, nullable=False),  # 2026-11-27
    sql.Column("kind", sql.String, nullable=False),  # text, crop or frame: each has a life time of its own.
    sql.Column("shelf", sql.String, nullable=False),
    sql.Column("wrapped", sql.LargeBinary),  # Sealed with the master key; null once it is destroyed.
    sql.Column("made", sql.BigInteger, nullable=False),
    sql.Column("destroyed", sql.BigInteger),
    sqlite_autoincrement=True,  # A number is never given twice.
)

READS = sql.Table(
    "reads",
    TABLES,
    sql.Column("number", Number, primary_key=True),
    sql.Column("id", sql.String, nullable=False, unique=True),
    sql.Column("key", sql.BigInteger, nullable=False),
    sql.Column("time", sql.BigInteger, nullable=False),
    sql.Column("camera", sql.String, nullable=False),
    sql.Column("sealed", sql.LargeBinary, nullable=False),  # JSON: text and all else that is not below.
    # What a search by text goes by (tokens.py); null and 0 where there is no text.
    sql.Column("exact", sql.BigInteger),
    sql.Column("alike", sql.BigInteger),
    sql.Column("signature", sql.BigInteger, nullable=False),
    sql.Column("confidence", sql.Float, nullable=False),
    sql.Column("country", sql.String),
    sql.Column("listed", sql.String),  # JSON: the names of the watch lists that it met.
    sql.Column("reason", sql.String),  # This and the next two: of passages alone.
    sql.Column("stage", sql.String),
    sql.Column("direction", sql.String),
    sql.Column("corrected", sql.BigInteger),
    sql.Column("crop", sql.BigInteger),  # The key of its picture, if there is one.
    sql.Column("frame", sql.BigInteger),
    sql.Index("reads_by_time", "time"),
    sql.Index("reads_by_camera", "camera", "time"),
    # The key comes first, so that the entries of a day lie together: appends touch few pages, however large the store.
    sql.Index("reads_by_exact", "key", "exact"),
    sql.Index("reads_by_alike", "key", "alike"),
    sql.Index("reads_by_signature", "key", "signature"),
    sqlite_autoincrement=True,
)

ERASED = sql.Table(
    "erased_reads",
    TABLES,
    sql.Column("id", sql.String, primary_key=True),
    sql.Column("time", sql.BigInteger, nullable=False),
)
"""Reads that were erased on purpose, so that a later account of the same passage does not bring one back."""

UNWANTED = sql.Table("unwanted_pictures", TABLES, sql.Column("file", sql.String, primary_key=True))
"""Pictures whose reads are gone and which are still to be deleted: written with the deletion of the read."""
