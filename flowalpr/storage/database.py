"""The way to the database: SQLite with write-ahead logging, or PostgreSQL; and what its errors mean for a person."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sql

from flowalpr.errors import SetupError
from flowalpr.storage.address import StoreAddress
from flowalpr.storage.private_file import require_private

LOCK_WAIT = 2.0
"""Seconds that a write waits for another program to let go of the database."""


class DamagedError(SetupError):
    """Part of the database's file cannot be read; the rest may be whole."""


class Database:
    """One database, usable from several threads; opened when it is first asked."""

    def __init__(self, address: StoreAddress) -> None:
        """Finds the driver.

        Raises:
            SetupError: the URL or its driver cannot be used, or others than its owner may read the file.
        """
        self.address = address
        if address.url is None:
            _make_private(address)
        self.engine = _engine(address)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of this machine."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[sql.Connection]:
        """A look at the database as it is at this moment; it hinders no writer.

        Raises:
            SetupError: it cannot be read.
        """
        with self._told("cannot be read"), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sql.Connection]:
        """A transaction: what was written in it is on the disk after it, whole or, after an error, not at all.

        Raises:
            SetupError: it cannot be written, and nothing was.
        """
        with self._told("cannot be written"), self.engine.connect() as plain:
            connection = plain.execution_options(writes=True)
            with connection.begin():
                yield connection

    def forget_old_pages(self) -> None:
        """Leave nothing of what was deleted in the write-ahead log, nor in the room that PostgreSQL reuses later."""
        self._without_transaction("PRAGMA wal_checkpoint(TRUNCATE)" if self.is_sqlite else "VACUUM reads")

    def compact(self) -> None:
        """Write the database anew without what was deleted from it; takes as long as copying it."""
        self._without_transaction("VACUUM" if self.is_sqlite else "VACUUM FULL reads")
        self.forget_old_pages()

    def close(self) -> None:
        """Let go of it."""
        self.engine.dispose()

    def _without_transaction(self, statement: str) -> None:
        options = {"writes": None} if self.is_sqlite else {"isolation_level": "AUTOCOMMIT"}
        with self._told("cannot be written"), self.engine.connect() as connection:
            connection.execution_options(**options).exec_driver_sql(statement)

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Puts an error of the database into words, without the statement and its values."""
        try:
            yield
        except (sql.exc.DBAPIError, OSError) as error:
            kind = DamagedError if "malformed" in _reason(error) else SetupError
            raise kind(f"the database {self.address} {what}: {_reason(error)}", self._remedy(error)) from None

    def _remedy(self, error: Exception) -> str:
        if not self.is_sqlite:
            return "check that the database runs and that the URL is right"
        reason, path = _reason(error), self.address.path
        if "full" in reason or "disk I/O" in reason or "No space" in reason or "too large" in reason:
            return f"free some space: df -h {path.absolute().parent}"
        if "locked" in reason:
            return f"see who has it open: fuser {path}"
        if "not a database" in reason:
            return "name another file; this one is left as it is"
        if "malformed" in reason or "missing" in reason:
            return f"see what is still whole: flowalpr store verify --db {path}; then restore a back-up"
        return f"make the file and its folder writable for this user: ls -la {path.absolute().parent}"


def _make_private(address: StoreAddress) -> None:
    """Makes the file, for its owner alone; SQLite gives its journal files the same mode."""
    path = address.path
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.exists():
            if not _is_foreign(path):  # That is told in the database's words.
                require_private(path)
        else:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise SetupError(
            f"the database {path} cannot be made: {error.strerror}",
            f"make the file and its folder writable for this user: ls -la {path.absolute().parent}",
        ) from None


def _is_foreign(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(16) not in (b"", b"SQLite format 3\0")


def _engine(address: StoreAddress) -> sql.Engine:
    url = address.url.reveal() if address.url is not None else None
    try:
        where = sql.make_url(url) if url is not None else sql.URL.create("sqlite", database=str(address.path))
        engine = sql.create_engine(where, hide_parameters=True, **({} if url is None else {"pool_pre_ping": True}))
    except (ImportError, sql.exc.ArgumentError) as error:  # Their texts do not hold the URL.
        raise SetupError(
            f"the database's URL cannot be used: {error}",
            "write postgresql+psycopg://user:password@host/name and: pip install 'flowalpr[postgres]'",
        ) from None
    if engine.dialect.name == "sqlite":
        sql.event.listen(engine, "connect", _prepare)
        sql.event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: sql.Connection) -> None:
    """Begin as we mean it: a writer waits for other writers now, not when it is too late to wait; None: not at all."""
    writes = connection.get_execution_options().get("writes", False)
    if writes is not None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare(connection: Any, _: object) -> None:  # Any: sqlite3's, by way of SQLAlchemy
    """Settings of a SQLite connection: readers never wait for us, what is committed is on the disk, and no more."""
    connection.isolation_level = None  # Transactions are begun by `_begin`, not by sqlite3.
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {LOCK_WAIT * 1000:.0f}")
    _use_wal(cursor)
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA secure_delete = ON")  # What is deleted is overwritten.
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
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]
