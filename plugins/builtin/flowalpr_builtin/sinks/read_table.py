"""The table of reads: rows wait in memory for a moment and are written many at once, each read once."""

from __future__ import annotations

import json
import logging
import math
import os
import sqlite3
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy.dialects import postgresql, sqlite

from flowalpr import SetupError

log = logging.getLogger(__name__)

VERSION = 2
"""Of the tables below; a file of an earlier version gets the columns that it lacks, one of a later is not touched."""
BATCH = 500
"""Rows that are written without waiting for the next save."""
MOST_WAITING = 10_000
"""Rows that wait in memory while nothing can be written, some 10 MB."""
LONGEST_REST = 30.0
"""Seconds between two tries at most."""
LOCK_WAIT = 2.0
"""Seconds that a try waits for another program to let go of the database."""

TABLES = sql.MetaData()
VERSIONS = sql.Table("flowalpr_schema", TABLES, sql.Column("version", sql.Integer, primary_key=True))
READS = sql.Table(
    "reads",
    TABLES,
    sql.Column("id", sql.String, primary_key=True),
    sql.Column("time", sql.String, nullable=False, index=True),  # ISO 8601 in UTC, so that text order is time order
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
    sql.Column("track", sql.BigInteger),
    # Of passages alone; null for single reads.
    sql.Column("reason", sql.String),
    sql.Column("stage", sql.String),
    sql.Column("first", sql.String),
    sql.Column("last", sql.String),
    sql.Column("sharp", sql.String),
    sql.Column("seen", sql.Integer),
    sql.Column("reads", sql.Integer),
    sql.Column("direction", sql.String),
    sql.Column("readings", sql.String),  # JSON
)


class ReadTable:
    """The reads of a SQLite file, given as a path, or of a database, given as a URL."""

    def __init__(self, where: Path | str) -> None:
        """Opens the database and makes the tables if there are none.

        Raises:
            SetupError: it cannot be opened or written, or is no database of ours.
        """
        self._where = where if isinstance(where, Path) else "that the URL names"
        self._waiting: list[dict[str, Any]] = []  # Any: the values that the columns have
        self._rest = 0.0
        self._next_try = 0.0
        self._failure: SetupError | None = None
        self._is_told = False
        self._engine = _engine(where)
        try:
            found = self._prepared()
        except (sql.exc.DBAPIError, OSError) as error:
            self._engine.dispose()
            raise SetupError(
                f"the database {self._where} cannot be used: {_reason(error)}", self._remedy(error)
            ) from error
        if found > VERSION:
            self._engine.dispose()
            raise SetupError(
                f"the database {self._where} was written by a later version", "pip install --upgrade flowalpr"
            )

    def add(self, record: dict[str, Any]) -> None:  # Any: the values that JSON has
        """Take a read's record; it is written by the next `save` at the latest.

        Raises:
            ValueError: a value that its column cannot hold; nothing of the record is taken.
            SetupError: nothing could be written for so long that no more can be kept.
        """
        if len(self._waiting) >= MOST_WAITING:
            self._write()
        if len(self._waiting) >= MOST_WAITING:
            raise SetupError(f"{MOST_WAITING} reads wait for the database {self._where}", "make it writable")
        self._waiting.append({column.name: _value(column, record.get(column.name)) for column in READS.columns})
        if len(self._waiting) >= BATCH:
            self._write()  # If this fails, the read is safe with the others, and the next `save` says so.

    def save(self, at_once: bool = False) -> None:
        """Write all that waits; after a failure only when its rest is over, or `at_once`.

        Raises:
            SetupError: it cannot be written, and all of it still waits; raised once until it can, or if `at_once`.
        """
        self._write(at_once)
        if self._failure is not None and (at_once or not self._is_told):
            self._is_told = True
            raise self._failure

    def _write(self, at_once: bool = False) -> None:
        if not self._waiting or (not at_once and time.monotonic() < self._next_try):
            return
        try:
            with self._engine.begin() as connection:
                connection.execute(_insert(self._engine.dialect.name), self._waiting)
        except sql.exc.DBAPIError as error:
            self._rest = min(max(1.0, self._rest * 2), LONGEST_REST)
            self._next_try = time.monotonic() + self._rest
            what = (
                f"{len(self._waiting)} reads wait, for the database {self._where} cannot be written: {_reason(error)}"
            )
            log.warning("%s; tried again in %.0f s", what, self._rest)
            self._failure = SetupError(what, self._remedy(error))
            return
        if self._failure is not None:
            log.warning("the database %s can be written again; no read was lost", self._where)
        self._waiting.clear()
        self._rest = self._next_try = 0.0
        self._failure, self._is_told = None, False

    def close(self) -> None:
        """Write all that waits and close the database.

        Raises:
            SetupError: it could not be written; the message says how many reads are lost.
        """
        try:
            self._write(at_once=True)
        finally:
            self._engine.dispose()
        if self._failure is not None:
            raise SetupError(
                f"{len(self._waiting)} reads are lost, for the database {self._where} could not be written to the end",
                self._failure.problem.fix,
            ) from self._failure

    def _prepared(self) -> int:
        """Makes what is not there and gives the version of the tables."""
        if isinstance(self._where, Path):
            self._where.parent.mkdir(parents=True, exist_ok=True)
            # SQLite gives its journal files the mode of this one.
            os.close(os.open(self._where, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        with self._engine.begin() as connection:
            if self._engine.dialect.name == "sqlite":  # Another flow may be making the same tables at this moment.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            TABLES.create_all(connection)
            found: int | None = connection.scalar(sql.select(sql.func.max(VERSIONS.c.version)))
            if found is None:
                connection.execute(VERSIONS.insert().values(version=VERSION))
            elif found <= VERSION:  # Written also as it is, to learn now and not later that nothing can be written.
                _add_columns(connection)
                connection.execute(VERSIONS.update().values(version=VERSION))
        return found or VERSION

    def _remedy(self, error: Exception) -> str:
        if not isinstance(self._where, Path):
            return "check that the database runs and that the URL is right"
        reason, folder = _reason(error), self._where.absolute().parent
        if "full" in reason or "disk I/O" in reason or "No space" in reason:
            return f"free some space: df -h {folder}"
        if "locked" in reason:
            return f"see who has it open: fuser {self._where}"
        if "not a database" in reason:
            return "name another file; this one is left as it is"
        return f"make the file and its folder writable for this user: ls -la {folder}"


def _engine(where: Path | str) -> sql.Engine:
    """The way to the database, which is not opened yet."""
    try:
        url = sql.URL.create("sqlite", database=str(where)) if isinstance(where, Path) else sql.make_url(where)
        engine = sql.create_engine(url, pool_size=1, max_overflow=0)
    except (ImportError, sql.exc.ArgumentError) as error:  # Their texts do not hold the URL.
        raise SetupError(
            f"the database's URL cannot be used: {error}",
            "write postgresql+psycopg://user:password@host/name and: pip install 'psycopg[binary]'",
        ) from error
    if engine.dialect.name == "sqlite":
        sql.event.listen(engine, "connect", _prepare)
    return engine


def _add_columns(connection: sql.Connection) -> None:
    """Gives the table of an earlier version the columns that it lacks."""
    there = {column["name"] for column in sql.inspect(connection).get_columns(READS.name)}
    for column in READS.columns:
        if column.name not in there:
            kind = column.type.compile(connection.dialect)
            connection.execute(sql.text(f'ALTER TABLE {READS.name} ADD COLUMN "{column.name}" {kind}'))


def _insert(dialect: str) -> sql.Insert:
    """Adds rows, each id once; of a passage that is told again, the later account stays."""
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    rows = insert(READS)
    account = {column.name: rows.excluded[column.name] for column in READS.columns if not column.primary_key}
    return rows.on_conflict_do_update(index_elements=[READS.c.id], set_=account, where=rows.excluded.stage.is_not(None))


def _prepare(connection: Any, _: object) -> None:  # Any: sqlite3's, by way of SQLAlchemy
    """Settings of a SQLite connection: readers never wait for us, and what is committed is on the disk."""
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {LOCK_WAIT * 1000:.0f}")
    _use_wal(cursor)
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _use_wal(cursor: Any) -> None:  # Any: sqlite3's, by way of SQLAlchemy
    """Change to write-ahead logging; SQLite does not wait for another who does the same, so we try again."""
    until = time.monotonic() + LOCK_WAIT
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.02)


def _reason(error: Exception) -> str:
    """Why, in the database's words, without the statement and its values, which hold plates."""
    original = getattr(error, "orig", None)
    return str(original or error).strip().splitlines()[0]


def _value(column: sql.Column[Any], value: Any) -> str | float | int | None:  # Any: the values that JSON has
    """A record's value as its column holds it; one that no database takes would keep all others from being written.

    Raises:
        ValueError: the column cannot hold it.
    """
    if value is None:
        if not column.nullable:
            raise ValueError(f"a read's {column.name} is missing")
        return None
    if isinstance(value, (list, dict)):
        value = json.dumps(value, ensure_ascii=False)
    try:
        kept: str | float | int = column.type.python_type(value)
    except (TypeError, ValueError):
        raise ValueError(f"a read's {column.name} is {type(value).__name__}") from None
    if isinstance(kept, str):
        # UTF-8 has no surrogates, and PostgreSQL no zero byte.
        return kept.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")
    if not math.isfinite(kept) or not -(2**63) <= kept < 2**63:
        raise ValueError(f"a read's {column.name} is no number that a database holds")
    return kept
