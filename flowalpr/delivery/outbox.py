"""A queue on disk for events that wait to be sent: in order, bounded, and whole after a crash or a power cut.

SQLite, and not an append-only file of our own: it brings what that would need, tested far beyond what we could do
(a write that is whole or not there, recovery of a torn end, room used again, rows that can be found and erased).
A commit is on the disk before `add` returns (WAL, synchronous=FULL). Plates that were sent are overwritten
(secure_delete).
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import sqlite3
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Literal

from flowalpr.errors import SetupError

log = logging.getLogger(__name__)

SCHEMA = 1
"""Of the payload of an event, docs/events.md; counted up when a field changes its meaning or goes."""
MOST_UNSAVED = 1000
"""Events that are held in memory while the disk takes none, some 1 MB; then `when_full` says which go."""
CLOCK_IS_SET = datetime(2026, 1, 1, tzinfo=timezone.utc).timestamp()
"""An earlier time is that of a clock which was not set when the event came, and says nothing of the event's age."""
WhenFull = Literal["drop_oldest", "refuse"]

TABLES = """
CREATE TABLE IF NOT EXISTS about (version INTEGER NOT NULL, identity TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY, event TEXT NOT NULL, accepted REAL NOT NULL, payload TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS events_by_time ON events (accepted);
"""


class QueueTakenError(SetupError):
    """Somebody else uses the queue."""

    def __init__(self, folder: Path, process: int, owner: str) -> None:
        super().__init__(
            f"the queue {folder} is in use by node '{owner}' of process {process}",
            "stop that flow, or give one of them a `queue` of its own",
        )
        self.process = process
        self.owner = owner


class QueueFullError(Exception):
    """The queue takes no more."""


@dataclass(frozen=True, slots=True, repr=False)
class Event:
    """What is to be sent; its number counts up in the order of arrival."""

    number: int
    event: str
    """The event's own id, which stays the same however often it is sent."""
    accepted: float
    """Seconds since 1970."""
    payload: str
    """A JSON object, with the event's id and the version of its schema."""

    def record(self) -> dict[str, Any]:  # Any: the values that JSON has
        """The payload as plain values."""
        record: dict[str, Any] = json.loads(self.payload)
        return record


def event_of(record: dict[str, Any]) -> tuple[str, str]:  # Any: the values that JSON has
    """The id and the payload of the event that tells of a message; the same record is always the same event.

    Made from all of the record and not from the read's id alone, for a passage is told of more than once: as a preview,
    when it is sure, when the car has gone.
    """
    text = json.dumps(record, ensure_ascii=False, allow_nan=False, sort_keys=True)
    event = uuid.uuid5(uuid.NAMESPACE_OID, text.encode("utf-8", "backslashreplace").decode()).hex
    payload = json.dumps({"schema": SCHEMA, "event": event, **record}, ensure_ascii=False, allow_nan=False)
    return event, payload.encode("utf-8", "backslashreplace").decode()  # UTF-8 has no lone surrogates.


class Outbox:
    """The queue in a folder, which nobody else may use meanwhile. May be used from several threads."""

    def __init__(
        self, folder: Path, owner: str, most: int, age: timedelta | None = None, when_full: WhenFull = "drop_oldest"
    ) -> None:
        """Opens or makes the queue; one that is damaged is put aside, aloud.

        Raises:
            QueueTakenError: another flow uses it, or another node of this one.
            SetupError: it cannot be written.
        """
        self.folder = folder
        self.dropped = 0
        """How many events were dropped since it was opened, because the queue was full or they were too old."""
        self._most = most
        self._age = age.total_seconds() if age else None
        self._when_full = when_full
        self._lock = threading.RLock()
        self._unsaved: deque[Event] = deque()
        self._sent_unsaved: set[int] = set()
        self._is_told = False
        self._held = hold(folder, owner)
        try:
            self._open()
        except (sqlite3.Error, OSError) as error:
            os.close(self._held)
            raise _unusable(folder, error) from error

    def add(self, event: str, payload: str) -> None:
        """Take an event: when this returns, it is on the disk, or in memory while the disk takes nothing, as is logged.

        Raises:
            QueueFullError: it was not taken.
        """
        with self._lock:
            if self.waiting() >= self._most:
                if self._when_full == "refuse":
                    raise QueueFullError(f"{self._most} events wait to be sent; this one is refused")
                self._drop(
                    {each.number for each in self._rows(0, 1)},
                    f"{self._most} events wait to be sent; the oldest are dropped",
                )
            if len(self._unsaved) >= MOST_UNSAVED:
                self.save()
            if len(self._unsaved) >= MOST_UNSAVED:
                why = f"{MOST_UNSAVED} events wait for room on the disk"
                if self._when_full == "refuse":
                    raise QueueFullError(f"{why}; this one is refused")
                self._drop({self._unsaved[0].number}, f"{why}; the oldest of these are dropped")
            self._unsaved.append(Event(self._next, event, time.time(), payload))
            self._next += 1
            self.save()

    def oldest(self, after: int = 0, limit: int = 1) -> list[Event]:
        """The first events, in order, of those with a number above `after`; those that are too old are dropped."""
        with self._lock:
            self._drop_old()
            return self._rows(after, limit)

    def remove(self, numbers: Iterable[int]) -> None:
        """Forget events that were sent or given up; if the disk cannot be written, now from memory, there later."""
        with self._lock:
            gone = set(numbers)
            unsaved = {each.number for each in self._unsaved} & gone
            self._unsaved = deque(each for each in self._unsaved if each.number not in unsaved)
            self._sent_unsaved |= gone - unsaved
            self.save()

    def save(self) -> None:
        """Bring to the disk what is not there yet; a failure is logged once, and tried again by the next call."""
        with self._lock:
            if not self._unsaved and not self._sent_unsaved:
                return
            try:
                # What is accepted must be on the disk; what a power cut brings back is sent again, under the same id.
                self._database.execute(f"PRAGMA synchronous = {'FULL' if self._unsaved else 'NORMAL'}")
                with self._database:
                    gone = [(number,) for number in self._sent_unsaved]
                    removed = self._database.executemany("DELETE FROM events WHERE number = ?", gone).rowcount
                    rows = [(each.number, each.event, each.accepted, each.payload) for each in self._unsaved]
                    self._database.executemany("INSERT INTO events VALUES (?, ?, ?, ?)", rows)
            except sqlite3.Error as error:
                if not self._is_told:
                    held = f"{len(self._unsaved)} events are in memory only, up to {MOST_UNSAVED} will be"
                    log.error("the queue %s cannot be written: %s; %s: df -h %s", self.folder, error, held, self.folder)
                self._is_told = True
                return
            self._saved += len(rows) - max(0, removed)
            self._unsaved.clear()
            self._sent_unsaved.clear()
            if self._is_told:
                log.warning("the queue %s can be written again; all events are on the disk", self.folder)
            self._is_told = False

    def waiting(self) -> int:
        """How many events there are."""
        with self._lock:
            return self._saved - len(self._sent_unsaved) + len(self._unsaved)

    def close(self) -> None:
        """Write what is not on the disk yet and let others use the queue."""
        with self._lock:
            self.save()
            if self._unsaved:
                log.error("%d events of the queue %s are lost: the disk takes nothing", len(self._unsaved), self.folder)
            self._database.close()
            os.close(self._held)

    def _open(self) -> None:
        path = self.folder / "events.db"
        try:
            self._database = _database(path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # No damage: the disk is full, the folder not writable.
                raise
            aside = path.with_name(f"damaged-{datetime.now(timezone.utc):%Y%m%dT%H%M%S}.db")
            path.replace(aside)
            for name in ("events.db-wal", "events.db-shm"):
                path.with_name(name).unlink(missing_ok=True)
            log.error("the queue %s is damaged (%s); it was put aside as %s, a new one is begun", path, error, aside)
            self._database = _database(path)
        self.identity: str = self._database.execute("SELECT identity FROM about").fetchone()[0]
        self._saved: int = self._database.execute("SELECT count(*) FROM events").fetchone()[0]
        last = self._database.execute("SELECT max(number) FROM events").fetchone()[0]
        self._next = (last or 0) + 1

    def _rows(self, after: int, limit: int) -> list[Event]:
        rows = self._database.execute(
            "SELECT number, event, accepted, payload FROM events WHERE number > ? ORDER BY number LIMIT ?",
            (after, limit + len(self._sent_unsaved)),
        )
        saved = [Event(*row) for row in rows if row[0] not in self._sent_unsaved]
        return (saved + [each for each in self._unsaved if each.number > after])[:limit]

    def _drop_old(self) -> None:
        if self._age is None:
            return
        query = "SELECT number FROM events WHERE accepted >= ? AND accepted < ?"
        rows = self._database.execute(query, (CLOCK_IS_SET, time.time() - self._age))
        old = {row[0] for row in rows} - self._sent_unsaved
        if old:
            self._drop(old, "events have waited for too long to be sent; they are dropped")

    def _drop(self, numbers: set[int], why: str) -> None:
        self.dropped += len(numbers)
        # At the first, the tenth, the hundredth ...: a queue that stays full must not fill the log too.
        if len(str(self.dropped)) > len(str(self.dropped - len(numbers))) or self.dropped == len(numbers):
            log.error("the queue %s: %s; %d so far", self.folder, why, self.dropped)
        self.remove(numbers)


def hold(folder: Path, owner: str) -> int:
    """The lock of the folder, which the system lets go when the process ends, however it ends.

    Raises:
        QueueTakenError: somebody else holds it.
        SetupError: the folder cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        held = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unusable(folder, error) from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        process, _, other = os.pread(held, 1000, 0).decode("utf-8", "replace").partition(" ")
        os.close(held)
        raise QueueTakenError(folder, int(process) if process.isdecimal() else 0, other) from None
    try:
        os.ftruncate(held, 0)
        os.pwrite(held, f"{os.getpid()} {owner}".encode(), 0)
    except OSError as error:
        os.close(held)
        raise _unusable(folder, error) from error
    return held


def _unusable(folder: Path, error: Exception) -> SetupError:
    what = f"the queue {folder} cannot be used: {error}"
    return SetupError(what, f"see whether it is writable and has room: ls -la {folder}; df -h {folder}")


def _database(path: Path) -> sqlite3.Connection:
    """The database, checked, with its tables."""
    # SQLite gives its journal files the mode of this one.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    database = sqlite3.connect(path, timeout=2.0, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA secure_delete = ON")
        database.execute("PRAGMA journal_size_limit = 4000000")
        found = database.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(found)
        database.executescript(TABLES)
        with database:
            about = database.execute("SELECT version FROM about").fetchone()
            if about is None:
                database.execute("INSERT INTO about VALUES (1, ?)", (uuid.uuid4().hex,))
            else:  # Written as it is, to learn now and not at the first event that nothing can be written.
                database.execute("UPDATE about SET version = version")
    except BaseException:
        database.close()
        raise
    return database
