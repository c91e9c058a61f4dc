"""Brings the tables of an earlier version up to date: a back-up first, then all or nothing."""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import sqlalchemy as sql
from alembic import command
from alembic.config import Config

from flowalpr.errors import SetupError
from flowalpr.storage.database import Database
from flowalpr.storage.schema import REVISIONS

log = logging.getLogger(__name__)


def migrate(database: Database) -> None:
    """Migrate a database; of a file a copy is kept beside it.

    Raises:
        SetupError: it cannot be done; the database is as it was.
    """
    with database.reading() as connection:
        found = _revision(connection)
    kept = _copied(database, found) if database.is_sqlite else None
    try:
        with database.writing() as connection:
            if _revision(connection) == found:  # Else another program was faster.
                _upgrade(connection, database, found)
    except BaseException:
        if kept is not None:
            kept.unlink()
        raise
    database.compact()
    if kept is not None:
        log.warning(
            "the database %s was brought up to date; as it was, with its plates in clear, it is kept as %s: "
            "delete that once you have seen that nothing is missing",
            database.address,
            kept,
        )


def _upgrade(connection: sql.Connection, database: Database, found: str) -> None:
    REVISIONS.create(connection, checkfirst=True)
    connection.execute(REVISIONS.delete())
    connection.execute(REVISIONS.insert().values(version_num=found))
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes |= {"connection": connection, "address": database.address}
    command.upgrade(config, "head")


def _revision(connection: sql.Connection) -> str:
    if REVISIONS.name in sql.inspect(connection).get_table_names():
        return connection.scalar(sql.select(REVISIONS.c.version_num)) or ""
    version: int | None = connection.scalar(sql.text("SELECT max(version) FROM flowalpr_schema"))
    return f"{version or 1:04}"


def _copied(database: Database, revision: str) -> Path:
    """A copy of the file as it is, also while others write to it."""
    path = database.address.path
    copy = path.with_name(f"{path.name}.before-{revision}")
    try:
        os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
    except FileExistsError:
        raise SetupError(f"a back-up {copy} is there already", "move it away: it is of an earlier try") from None
    except (OSError, sqlite3.Error) as error:
        copy.unlink(missing_ok=True)
        raise SetupError(
            f"{path} must be brought up to date, and no back-up can be made: {error}", f"df -h {path.absolute().parent}"
        ) from None
    return copy
