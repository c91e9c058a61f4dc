"""The table of parking sessions: a SQLite file that one node writes, whole after a crash or a power cut."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from flowalpr import ParkingSession, SetupError, Stamp, Subject
from flowalpr_builtin.filters.memory import storable

VERSION = 2
"""Of the table; one of an earlier version gets the columns that it lacks, one of a later is not touched."""
LOCK_WAIT = 2.0
"""Seconds that a write waits for another program to let go of the file."""

TABLE = """
CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY, plate TEXT NOT NULL, state TEXT NOT NULL, entered TEXT, entry_camera TEXT,
    left TEXT, exit_camera TEXT, exit_plate TEXT, telling TEXT)
"""
WRITE = """
INSERT INTO sessions VALUES (:id, :plate, :state, :entered, :entry_camera, :left, :exit_camera, :exit_plate, :telling)
ON CONFLICT (id) DO UPDATE SET state = :state, left = :left, exit_camera = :exit_camera, exit_plate = :exit_plate,
    telling = :telling
"""
INDEX = "CREATE INDEX IF NOT EXISTS sessions_state ON sessions (state)"


class TableTakenError(SetupError):
    """Somebody else uses the table."""

    def __init__(self, path: Path, process: int) -> None:
        super().__init__(f"the sessions in {path} are in use by process {process}", "give this node a file of its own")
        self.process = process


@dataclass(frozen=True, slots=True, repr=False)
class Stay:
    """A session that is open."""

    id: str
    plate: str
    entered: datetime
    camera: str


class SessionTable:
    """The sessions of a file; all that is given back is on the disk."""

    def __init__(self, path: Path) -> None:
        """Opens the file and makes the table if there is none.

        Raises:
            TableTakenError: another node uses it.
            SetupError: it cannot be used.
        """
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(path)
            try:
                self._database = self._opened()
            except BaseException:
                os.close(self._lock)
                raise
        except (OSError, sqlite3.Error) as error:
            raise SetupError(
                f"the sessions in {path} cannot be used: {error}",
                f"name another file, or look at it: ls -la {path.absolute().parent}",
            ) from error

    def stays(self) -> list[Stay]:
        """The sessions that are open, the first first."""
        rows = self._database.execute(
            "SELECT id, plate, entered, entry_camera FROM sessions WHERE state = 'open' ORDER BY entered"
        )
        return [Stay(id_, plate, datetime.fromisoformat(entered), camera) for id_, plate, entered, camera in rows]

    def left_since(self, time: datetime) -> list[tuple[str, datetime]]:
        """The plates that left since then, as they were read when they did, and when."""
        rows = self._database.execute("SELECT exit_plate, left FROM sessions WHERE left >= ?", [time.isoformat()])
        return [(plate, datetime.fromisoformat(left)) for plate, left in rows]

    def write(self, session: ParkingSession, exit_plate: str = "") -> None:
        """Keep what is about to be told of a session, and that it is not told yet.

        Raises:
            SetupError: it is not kept.
        """
        has_left = session.state in ("closed", "lost entry")
        times = (each.isoformat() if each else None for each in (session.entered, session.left))
        entered, left = times
        row = {
            "id": session.id,
            "plate": storable(session.text),
            "state": session.state,
            "entered": entered,
            "entry_camera": session.stamp.camera if session.state == "open" else None,
            "left": left,
            "exit_camera": session.stamp.camera if has_left else None,
            "exit_plate": storable(exit_plate) or None,
            "telling": json.dumps(_rest_of(session)),
        }
        with self._in_words():
            self._database.execute(WRITE, row)

    def untold(self) -> list[ParkingSession]:
        """What was kept, but perhaps not told before the program was killed, in order."""
        rows = self._database.execute(
            "SELECT id, state, plate, entered, left, telling FROM sessions WHERE telling IS NOT NULL ORDER BY rowid"
        )
        return [_session(row) for row in rows]

    def mark_told(self, ids: Iterable[str]) -> None:
        """These have been told, and need not be again.

        Raises:
            sqlite3.Error: they will be.
        """
        self._database.executemany("UPDATE sessions SET telling = NULL WHERE id = ?", [(id_,) for id_ in ids])

    def forget_before(self, left: datetime, entered: datetime) -> None:
        """Delete sessions whose car left before then, or entered before then and was not seen to leave."""
        with self._in_words():
            self._database.execute(
                "DELETE FROM sessions WHERE state != 'open' AND (left < ? OR (left IS NULL AND entered < ?))",
                [left.isoformat(), entered.isoformat()],
            )

    def close(self) -> None:
        """Close the file; others may use it now."""
        self._database.close()
        os.close(self._lock)

    def _opened(self) -> sqlite3.Connection:
        """The file, with its table."""
        # SQLite gives its journal files the mode of this one.
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        database = sqlite3.connect(self._path, timeout=LOCK_WAIT, isolation_level=None)
        try:
            if database.execute("PRAGMA user_version").fetchone()[0] > VERSION:
                raise SetupError(f"{self._path} was written by a later version", "pip install --upgrade flowalpr")
            database.execute("PRAGMA journal_mode = WAL")  # Readers never wait for us.
            database.execute("PRAGMA synchronous = FULL")
            database.execute("PRAGMA secure_delete = ON")  # Plates of deleted sessions are overwritten.
            database.execute("BEGIN IMMEDIATE")  # Learns now whether the file can be written.
            database.execute(TABLE)
            if "telling" not in {row[1] for row in database.execute("PRAGMA table_info(sessions)")}:
                database.execute("ALTER TABLE sessions ADD COLUMN telling TEXT")
            for statement in (INDEX, f"PRAGMA user_version = {VERSION}", "COMMIT"):
                database.execute(statement)
        except BaseException:
            database.close()
            raise
        return database

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        """Puts a failed write into words, without the plate."""
        try:
            yield
        except sqlite3.Error as error:
            raise SetupError(
                f"parking sessions are not kept, for {self._path} cannot be written: {error}",
                f"df -h {self._path.absolute().parent}",
            ) from error


def stays_of(path: Path, subject: Subject) -> list[dict[str, Any]]:  # Any: the values that JSON has
    """All sessions of a plate.

    Raises:
        SetupError: the file cannot be read.
    """
    from flowalpr.storage.erasing import reading

    if not path.exists():
        return []
    names = ("id", "plate", "state", "entered", "entry_camera", "left", "exit_camera", "exit_plate")
    with reading(path) as database:
        rows = database.execute(f"SELECT {', '.join(names)} FROM sessions").fetchall()  # noqa: S608  # Names of ours.
    theirs = [row for row in rows if subject.is_meant_by(row[1] or "") or subject.is_meant_by(row[7] or "")]
    return [dict(zip(names, row, strict=True)) for row in theirs]


def rewrite(path: Path, statement: str, rows: Sequence[tuple[str, ...]]) -> int:
    """Change sessions of a file that no flow uses, so that nothing of what was there is left on the disk; how many.

    Raises:
        TableTakenError: a running flow uses it.
        SetupError: it cannot be written.
    """
    from flowalpr.storage.erasing import erasing

    if not rows:
        return 0
    lock = _locked(path)
    try:
        with erasing(path) as database:
            database.executemany(statement, rows)
    finally:
        os.close(lock)
    return len(rows)


def _rest_of(session: ParkingSession) -> dict[str, str | int | float | None]:
    """What the columns do not say of it."""
    stamp = session.stamp
    return {
        "camera": storable(stamp.camera),
        "time": stamp.time.isoformat(),
        "number": stamp.number,
        "occupancy": session.occupancy,
        "duration": session.duration,
        "distance": session.distance,
    }


def _session(row: tuple[str, str, str, str | None, str | None, str]) -> ParkingSession:
    id_, state, plate, entered, left, telling = row
    rest = json.loads(telling)
    stamp = Stamp(rest["camera"], datetime.fromisoformat(rest["time"]), rest["number"])
    return ParkingSession(
        id_,
        state,
        plate,
        stamp,
        rest["occupancy"],
        datetime.fromisoformat(entered) if entered else None,
        datetime.fromisoformat(left) if left else None,
        rest["duration"],
        rest["distance"],
    )


def _locked(path: Path) -> int:
    """A lock that ends with this process.

    Raises:
        TableTakenError: somebody else holds it.
    """
    lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.pwrite(lock, f"{os.getpid():20}".encode(), 0)
    except BlockingIOError:
        holder = os.pread(lock, 20, 0).strip()
        os.close(lock)
        raise TableTakenError(path, int(holder) if holder.isdigit() else 0) from None
    return lock
