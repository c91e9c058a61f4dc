"""Opens a store: makes its tables and key if it is new, brings an old one up to date, refuses what is not ours."""

from __future__ import annotations

import logging
import os

import sqlalchemy as sql

from flowalpr.errors import SetupError
from flowalpr.storage.address import StoreAddress
from flowalpr.storage.database import Database
from flowalpr.storage.keyring import KeyRing
from flowalpr.storage.keys import MasterKey, find_master, new_master
from flowalpr.storage.moments import micros, now
from flowalpr.storage.schema import REVISION, REVISIONS, STORE, TABLES

log = logging.getLogger(__name__)

LAST_UNSEALED = 2
"""Of the versions that stood in a table `flowalpr_schema`."""
_MAKING = 0x666C6F77
"""Of the lock that PostgreSQL holds while the tables are made; any number will do."""


def opened(address: StoreAddress) -> tuple[Database, KeyRing]:
    """The database and the keys of a store.

    Raises:
        SetupError: it cannot be opened or written, is no store of ours, or its key is not here.
    """
    database = Database(address)
    try:
        if _is_old(database):
            from flowalpr.storage.migrating import migrate  # Alembic takes a moment to import, and is seldom needed.

            migrate(database)
        return database, KeyRing(database, _master(database))
    except BaseException:
        database.close()
        raise


def _is_old(database: Database) -> bool:
    """Makes the tables of a new store; says whether there are those of an earlier version."""
    with database.writing() as connection:  # Learns now and not later whether it can be written.
        if not database.is_sqlite:
            connection.execute(sql.select(sql.func.pg_advisory_xact_lock(_MAKING)))
        there = set(sql.inspect(connection).get_table_names())
        if REVISIONS.name in there:
            found: str | None = connection.scalar(sql.select(REVISIONS.c.version_num))
            if found is not None and found > REVISION:
                raise _later(database)
            connection.execute(REVISIONS.update().values(version_num=found))
            return found != REVISION
        if "flowalpr_schema" in there:
            version: int | None = connection.scalar(sql.text("SELECT max(version) FROM flowalpr_schema"))
            if version is not None and version > LAST_UNSEALED:
                raise _later(database)
            return True
        if there & set(TABLES.tables):
            raise SetupError(f"the database {database.address} has tables of another program", "name another one")
        TABLES.create_all(connection)
        connection.execute(REVISIONS.insert().values(version_num=REVISION))
        enter_store(connection, database.address)
    return False


def enter_store(connection: sql.Connection, address: StoreAddress) -> MasterKey | None:
    """Enters a new store with its master key, which is made if none is named; None if nothing is to be sealed.

    Raises:
        SetupError: the key that is named is not there, or none can be made.
    """
    master = new_master(address.key) if address.seal is not False else None
    if master is not None and address.key is None:
        log.warning(
            "a key for the reads in %s was made: %s. Keep a copy elsewhere: without it nobody can read them",
            address if address.url is None else "the database",
            master.where,
        )
    name, fingerprint = os.urandom(8).hex(), master.fingerprint if master is not None else None
    connection.execute(STORE.insert().values(name=name, master=fingerprint, made=micros(now())))
    return master


def _later(database: Database) -> SetupError:
    what = f"the database {database.address} was written by a later version"
    return SetupError(what, "pip install --upgrade flowalpr")


def _master(database: Database) -> MasterKey | None:
    """The key of the store; None if it is not sealed."""
    address = database.address
    with database.reading() as connection:
        fingerprint = connection.scalar(sql.select(STORE.c.master))
    if fingerprint is not None and address.seal is False:
        raise SetupError(f"the reads in the database {address} are sealed", "leave out seal: off, or name another file")
    if fingerprint is None and address.seal is True:
        raise SetupError(f"the reads in the database {address} are not sealed", "write seal: off, or name another file")
    if fingerprint is None:
        if address.seal is False:
            log.warning("seal: off: whoever gets hold of the database %s or of a copy reads every plate in it", address)
        return None
    return find_master(address.key, fingerprint)
