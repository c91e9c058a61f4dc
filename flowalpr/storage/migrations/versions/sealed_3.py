"""Seals the reads: a key for each day, the text and its company as one sealed value, tokens to search by."""

from __future__ import annotations

import json
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sql
from alembic import context, op

from flowalpr.storage.keyring import make_key
from flowalpr.storage.moments import day_of, micros
from flowalpr.storage.opening import enter_store
from flowalpr.storage.rows import body_of, bound, tokens
from flowalpr.storage.seal import DayKey

revision = "0003"
down_revision = "0002"

Number = sql.BigInteger().with_variant(sql.Integer, "sqlite")
JSON = ("repairs", "box", "corners", "readings")
OPEN = ("country", "reason", "stage", "direction")
SEALED = (
    "frame",
    "file",
    "text",
    "raw",
    "repairs",
    "box",
    "corners",
    "detection_confidence",
    "track",
    "first",
    "last",
    "sharp",
    "seen",
    "reads",
    "readings",
)
AT_ONCE = 500
INDEXES = {"reads_by_time": ["time"], "reads_by_camera": ["camera", "time"], "reads_by_exact": ["key", "exact"]}
INDEXES |= {"reads_by_alike": ["key", "alike"], "reads_by_signature": ["key", "signature"]}


def upgrade() -> None:
    """Make the new tables, move all reads into them, drop the old."""
    _make_tables()
    connection, config = op.get_bind(), context.config
    master = enter_store(connection, config.attributes["address"])
    old = sql.table("reads", *(sql.column(each["name"]) for each in sql.inspect(connection).get_columns("reads")))
    keys: dict[str, DayKey] = {}
    rows = iter(connection.execution_options(yield_per=AT_ONCE).execute(sql.select(old).order_by(old.c.time)))
    while some := [dict(row._mapping) for row in islice(rows, AT_ONCE)]:  # Its public name.
        for row in some:
            day = day_of(datetime.fromisoformat(row["time"]))
            if day not in keys:
                keys[day] = make_key(connection, master, (day, "text", ""))
        sealed = [_row(row, keys) for row in some]
        connection.execute(sql.table("sealed_reads", *map(sql.column, sealed[0])).insert(), sealed)
    op.drop_table("reads")
    op.drop_table("flowalpr_schema")
    op.rename_table("sealed_reads", "reads")
    for name, columns in INDEXES.items():
        op.create_index(name, "reads", columns)


def _row(old: dict[str, Any], keys: dict[str, DayKey]) -> dict[str, Any]:  # Any: the values that the columns have
    time = datetime.fromisoformat(old["time"])
    key = keys[day_of(time)]
    values = {name: json.loads(old[name]) if name in JSON and old.get(name) else old.get(name) for name in SEALED}
    kept = {name: value for name, value in values.items() if value not in (None, [], "")}
    if kept.get("raw") == kept.get("text"):
        kept.pop("raw", None)
    body = body_of({"type": "Passage" if old.get("stage") else "PlateRead", **kept})
    return {
        "id": old["id"],
        "key": key.number,
        "time": micros(time),
        "camera": old["camera"],
        "sealed": key.seal.closed(body, bound(old["id"], micros(time), old["camera"])),
        **tokens(old["text"], key),
        "confidence": old["confidence"],
        **{name: old.get(name) for name in OPEN},
    }


def _make_tables() -> None:
    op.create_table(
        "store",
        sql.Column("name", sql.String, primary_key=True),
        sql.Column("master", sql.String),
        sql.Column("made", sql.BigInteger, nullable=False),
    )
    op.create_table(
        "day_keys",
        sql.Column("number", Number, primary_key=True),
        sql.Column("day", sql.String, nullable=False),
        sql.Column("kind", sql.String, nullable=False),
        sql.Column("shelf", sql.String, nullable=False),
        sql.Column("wrapped", sql.LargeBinary),
        sql.Column("made", sql.BigInteger, nullable=False),
        sql.Column("destroyed", sql.BigInteger),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "sealed_reads",
        sql.Column("number", Number, primary_key=True),
        sql.Column("id", sql.String, nullable=False, unique=True),
        sql.Column("key", sql.BigInteger, nullable=False),
        sql.Column("time", sql.BigInteger, nullable=False),
        sql.Column("camera", sql.String, nullable=False),
        sql.Column("sealed", sql.LargeBinary, nullable=False),
        sql.Column("exact", sql.BigInteger),
        sql.Column("alike", sql.BigInteger),
        sql.Column("signature", sql.BigInteger, nullable=False),
        sql.Column("confidence", sql.Float, nullable=False),
        *(sql.Column(name, sql.String) for name in ("country", "listed", "reason", "stage", "direction")),
        *(sql.Column(name, sql.BigInteger) for name in ("corrected", "crop", "frame")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "erased_reads",
        sql.Column("id", sql.String, primary_key=True),
        sql.Column("time", sql.BigInteger, nullable=False),
    )
    op.create_table("unwanted_pictures", sql.Column("file", sql.String, primary_key=True))
