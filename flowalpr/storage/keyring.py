"""The keys of days, which stand wrapped in the database: one for each day, kind of content and shelf.

Destroying one makes all that it sealed unreadable, in every back-up too.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sql

from flowalpr.storage.database import Database
from flowalpr.storage.keys import MasterKey, find_master
from flowalpr.storage.moments import day_of, micros, now
from flowalpr.storage.schema import KEYS, READS, STORE
from flowalpr.storage.seal import KEY_BYTES, AlteredError, DayKey

log = logging.getLogger(__name__)

UNSEALED = b"none"
"""What stands in place of the wrapped key of a day in a store that is not sealed."""
Slot = tuple[str, str, str]
"""Day, kind (`text`, `crop` or `frame`) and shelf."""


class KeyRing:
    """The keys of one store; usable from several threads."""

    def __init__(self, database: Database, master: MasterKey | None) -> None:
        """With the master key; None for a store that is not sealed."""
        self._database = database
        self._master = master
        self._keys: dict[int, DayKey] = {}
        self._current: dict[Slot, DayKey] = {}
        self._lock = threading.RLock()

    @property
    def master(self) -> MasterKey | None:
        """The key that wraps the others; None for a store that is not sealed."""
        return self._master

    def current(self, slot: Slot) -> DayKey:
        """The key for what is written now about a day; made if there is none.

        Raises:
            SetupError: it cannot be made, or the store's master key is another by now and not here.
            AlteredError: it is there, but was altered.
        """
        with self._lock:
            if slot not in self._current:
                self._current[slot] = self._found(slot) or self._made(slot)
            return self._current[slot]

    def get(self, number: int) -> DayKey:
        """The key of that number.

        Raises:
            AlteredError: it was destroyed, or altered.
        """
        with self._lock:
            if number not in self._keys:
                with self._database.reading() as connection:
                    row = connection.execute(sql.select(KEYS).where(KEYS.c.number == number)).one_or_none()
                    if row is None or row.wrapped is None:
                        raise AlteredError("its key was destroyed")
                    self._keys[number] = self._unwrapped(connection, row)
            return self._keys[number]

    def texts(self, since: datetime | None = None, until: datetime | None = None) -> list[DayKey]:
        """The keys of all texts of those days, the latest day first."""
        there = (KEYS.c.kind == "text") & KEYS.c.wrapped.is_not(None)
        wanted = sql.select(KEYS.c.number, KEYS.c.day).where(there).order_by(KEYS.c.day.desc(), KEYS.c.number)
        if since is not None:
            wanted = wanted.where(KEYS.c.day >= day_of(since))
        if until is not None:
            wanted = wanted.where(KEYS.c.day <= day_of(until))
        with self._database.reading() as connection:
            rows = connection.execute(wanted).all()
        keys = []
        for row in rows:
            try:
                keys.append(self.get(row.number))
            except AlteredError as error:
                log.warning("reads of %s cannot be searched by text: %s", row.day, error)
        return keys

    def are_there(self, connection: sql.Connection, numbers: Iterable[int]) -> bool:
        """Whether none of these keys was destroyed meanwhile; none can be before the end of this transaction."""
        wanted = set(numbers)
        there = sql.select(KEYS.c.number).where(KEYS.c.number.in_(wanted), KEYS.c.wrapped.is_not(None))
        if not self._database.is_sqlite:
            there = there.with_for_update(read=True)
        return len(connection.execute(there).all()) == len(wanted)

    def forget(self) -> None:
        """Look all keys up anew when they are asked for again."""
        with self._lock:
            self._keys.clear()
            self._current.clear()

    def destroy(self, before: datetime) -> int:
        """Destroy the keys of days before that time which seal nothing any more; how many those were."""
        destroyed = 0
        for kind, column in (("text", READS.c.key), ("crop", READS.c.crop), ("frame", READS.c.frame)):
            old = (KEYS.c.kind == kind) & (KEYS.c.day < day_of(before)) & KEYS.c.wrapped.is_not(None)
            unused = ~sql.exists().where(column == KEYS.c.number)
            gone = KEYS.update().where(old, unused).values(wrapped=None, destroyed=micros(now()))
            with self._database.writing() as connection:
                destroyed += connection.execute(gone).rowcount
        if destroyed:
            self.forget()
        return destroyed

    def rotate(self, new: MasterKey) -> int:
        """Wrap all keys anew; how many those are. What they seal stays as it is.

        Raises:
            AlteredError: a key cannot be opened; then all stay as they were.
        """
        with self._lock, self._database.writing() as connection:
            master = self._master_now(connection)
            if master is None:
                raise AlteredError("the store is not sealed")
            rows = connection.execute(sql.select(KEYS).where(KEYS.c.wrapped.is_not(None))).all()
            for row in rows:
                wrapped = new.seal.closed(_opened(row, master), _bound(row.number))
                connection.execute(KEYS.update().where(KEYS.c.number == row.number).values(wrapped=wrapped))
            connection.execute(STORE.update().values(master=new.fingerprint))
        self._master = new
        return len(rows)

    def _found(self, slot: Slot) -> DayKey | None:
        day, kind, shelf = slot
        at = sql.and_(KEYS.c.day == day, KEYS.c.kind == kind, KEYS.c.shelf == shelf, KEYS.c.wrapped.is_not(None))
        with self._database.reading() as connection:
            row = connection.execute(sql.select(KEYS).where(at).order_by(KEYS.c.number.desc()).limit(1)).one_or_none()
            return self._unwrapped(connection, row) if row is not None else None

    def _made(self, slot: Slot) -> DayKey:
        with self._database.writing() as connection:
            return make_key(connection, self._master_now(connection), slot)

    def _master_now(self, connection: sql.Connection) -> MasterKey | None:
        """The master key as it is at this moment: another program may have changed it.

        Raises:
            SetupError: it is another by now, and not here.
        """
        fingerprint = connection.scalar(sql.select(STORE.c.master))
        if self._master is not None and fingerprint != self._master.fingerprint:
            self._master = find_master(self._database.address.key, str(fingerprint))
        return self._master

    def _unwrapped(self, connection: sql.Connection, row: sql.Row[tuple[object, ...]]) -> DayKey:
        master = self._master_now(connection)
        return DayKey(row.number, row.day, None if master is None else _opened(row, master))


def make_key(connection: sql.Connection, master: MasterKey | None, slot: Slot) -> DayKey:
    """Enters a new key, wrapped with the master key; without one, what stands for a key where nothing is sealed."""
    day, kind, shelf = slot
    row = {"day": day, "kind": kind, "shelf": shelf, "wrapped": UNSEALED, "made": micros(now())}
    number: int = connection.execute(KEYS.insert().values(row).returning(KEYS.c.number)).scalar_one()
    if master is None:
        return DayKey(number, day, None)
    secret = os.urandom(KEY_BYTES)
    wrapped = master.seal.closed(secret, _bound(number))
    connection.execute(KEYS.update().where(KEYS.c.number == number).values(wrapped=wrapped))
    return DayKey(number, day, secret)


def _opened(row: sql.Row[tuple[object, ...]], master: MasterKey) -> bytes:
    try:
        return master.seal.opened(row.wrapped, _bound(row.number))
    except AlteredError:
        raise AlteredError(f"the key of {row.day} in the database was altered") from None


def _bound(number: int) -> bytes:
    return b"day key %d" % number
