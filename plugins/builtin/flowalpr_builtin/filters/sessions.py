"""The node `sessions`: who is parked, since when, and for how long it was."""

from __future__ import annotations

import os
import uuid
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field, PrivateAttr, model_validator

from flowalpr import END_OF_TIME, Duration, Exposure, Node, ParkingSession, Passage, PlateRead, Stamp, Subject
from flowalpr.plates import Nearby

if TYPE_CHECKING:
    from flowalpr_builtin.filters.session_table import SessionTable, Stay

MOST_OPEN = 100_000
"""Sessions that are open at most; the first is ended when there are more."""
MOST_DONE = 1000
"""Reads and passages that are remembered, so that one told twice counts once."""
LOOK_EVERY = timedelta(minutes=1)
"""How often sessions are looked for that are open for too long."""
UNDERWAY = 2.0
"""Seconds after which what was given has reached those it is for; if the program is killed before, it is told again."""


class Sessions(Node):
    """Pair entries and exits by plate, look-alikes forgiven, and tell when a parking session begins and ends.

    An exit ends the open session whose plate is nearest. A car that comes again while its session is open, or stays
    for `longest`, left unseen: `lost exit`; one that leaves without a session came unseen: `lost entry`. Each message
    says how many sessions are open. Put `vote` in front of it, or `distinct`.

    All sessions are in the table `sessions` of a SQLite file, which only its owner may read; those that are open go on
    after a restart, a crash too. What was kept in the last two seconds before a crash is told again, with the same id
    and state, lest nobody heard it. Times are UTC, so summer time changes nothing; a stay never takes less than 0
    seconds, even if the clock was set back meanwhile.
    """

    heavy: ClassVar[bool] = True

    entry: tuple[str, ...] = ()
    """Cameras at which cars enter, each as `camera`, or as `camera:direction` with a direction of `vote` (`in`, `out`,
    `towards`, `away`, `left`, `right`). Without `entry` and `exit`, cars with the direction `in` enter."""
    exit: tuple[str, ...] = ()
    """Cameras at which they leave, as above; without both, cars with the direction `out` leave."""
    alike: Annotated[float, Field(ge=0, le=2)] = 0.4
    """How far apart the texts at entry and exit may be: 0 for equal ones, 0.1 forgives a 0 read as O or a 1 as I, 0.2
    an S for a 5 or a B for an 8, 1 any one character wrong, missing or added."""
    repeat: Duration = timedelta(minutes=2)
    """For how long a plate that is read again where it entered or left counts as the same entry or exit."""
    longest: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(days=30)
    """How long a session may be open; then the exit counts as lost."""
    path: Path = Path("sessions.db")
    """The SQLite file; `~` is the home folder."""
    keep: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(days=30)
    """For how long a session is kept after it has ended."""

    _table: SessionTable | None = None
    _open: Nearby[Stay]
    _first: dict[str, Stay] = PrivateAttr(default_factory=dict)
    _left: list[tuple[str, datetime]] = PrivateAttr(default_factory=list)
    _done: dict[str, None] = PrivateAttr(default_factory=dict)
    _looked: datetime | None = None
    _untold: list[ParkingSession] = PrivateAttr(default_factory=list)
    _given: deque[tuple[float, str]] = PrivateAttr(default_factory=deque)
    """When and of which session something was told that is not marked as told yet."""

    @model_validator(mode="after")
    def _ways_differ(self) -> Sessions:
        both = set(self.entry) & set(self.exit)
        if both:
            raise ValueError(f"'{min(both)}' is both an entry and an exit: write {min(both)}:in and {min(both)}:out")
        return self

    def exposes(self) -> tuple[Exposure, ...]:
        fix = "keep the file on an encrypted disk"
        longest = self.longest + self.keep
        return (
            Exposure("kept", f"parking sessions in the file {self.path}", "it is not sealed", fix, "path", longest),
        )

    def known_of(self, subject: Subject) -> list[dict[str, Any]]:  # Any: the values that JSON has
        from flowalpr_builtin.filters.session_table import stays_of

        return stays_of(self.path.expanduser(), subject)

    def forget(self, subject: Subject) -> int:
        from flowalpr_builtin.filters.session_table import rewrite

        gone = [(each["id"],) for each in self.known_of(subject)]
        return rewrite(self.path.expanduser(), "DELETE FROM sessions WHERE id = ?", gone)

    def correct(self, subject: Subject, text: str) -> int:
        from flowalpr_builtin.filters.session_table import rewrite

        wrong = [(text, each["id"]) for each in self.known_of(subject)]
        return rewrite(self.path.expanduser(), "UPDATE sessions SET plate = ? WHERE id = ?", wrong)

    def open(self) -> None:
        from flowalpr_builtin.filters.session_table import TableTakenError

        try:
            self._taken()
        except TableTakenError as taken:
            # A changed node is opened before the one that it replaces is closed, but gets its messages only afterwards.
            if taken.process != os.getpid():
                raise

    def process(self, read: PlateRead) -> Iterator[ParkingSession]:
        self._taken()
        way = self._way(read)
        if way is None or not read.text or read.id in self._done:
            return
        yield from self._entered(read) if way == "entry" else self._has_left(read)
        self._done[read.id] = None
        if len(self._done) > MOST_DONE:
            del self._done[next(iter(self._done))]

    def due(self, now: datetime) -> Iterator[ParkingSession]:
        self._taken()
        self._mark_told(at_once=now == END_OF_TIME)
        while self._untold:
            yield self._told(self._untold.pop(0))
        if now == END_OF_TIME or (self._looked is not None and abs(now - self._looked) < LOOK_EVERY):
            return  # The end of a run is no exit: open sessions go on with the next.
        self._looked = now
        for stay in [each for each in self._first.values() if now - each.entered >= self.longest]:
            yield self._lost(stay, Stamp(stay.camera, now, 0))
        self._taken().forget_before(now - self.keep, now - self.keep - self.longest)

    def close(self) -> None:
        if self._table is not None:
            self._table.close()

    def tallies(self) -> dict[str, int]:
        return super().tallies() | {"parked now": len(self._first)}

    def _taken(self) -> SessionTable:
        """The table, from which we learn at first what is open."""
        from flowalpr_builtin.filters.session_table import SessionTable

        if self._table is None:
            self._table = SessionTable(self.path.expanduser())
            self._open = Nearby(self.alike)
            for stay in self._table.stays():
                self._keep(stay)
            self._left = self._table.left_since(datetime.now(timezone.utc) - self.repeat)
            self._untold = self._table.untold()
        return self._table

    def _way(self, read: PlateRead) -> str | None:
        """`entry`, `exit`, or None if the read is neither or not decided yet."""
        direction = read.direction if isinstance(read, Passage) else None
        if isinstance(read, Passage) and read.stage == "preview":
            return None
        places = {read.stamp.camera, f"{read.stamp.camera}:{direction}"}
        if not (self.entry or self.exit):
            return {"in": "entry", "out": "exit"}.get(direction or "")
        return "entry" if places & set(self.entry) else "exit" if places & set(self.exit) else None

    def _entered(self, read: PlateRead) -> Iterator[ParkingSession]:
        from flowalpr_builtin.filters.session_table import Stay

        for near in self._open.find(read.text)[:1]:
            if abs(read.stamp.time - near.item.entered) < self.repeat:
                return
            yield self._lost(near.item, read.stamp)
        if len(self._first) >= MOST_OPEN:
            yield self._lost(next(iter(self._first.values())), read.stamp)
        stay = Stay(uuid.uuid4().hex, read.text, read.stamp.time, read.stamp.camera)
        session = ParkingSession(stay.id, "open", stay.plate, read.stamp, len(self._first) + 1, stay.entered)
        self._taken().write(session)
        self._keep(stay)
        self.tally("entered")
        yield self._told(session)

    def _has_left(self, read: PlateRead) -> Iterator[ParkingSession]:
        found = self._open.find(read.text)
        if found:
            session = self._closed(found[0].item, read, found[0].distance)
        elif self._left_just_now(read):
            return
        else:
            session = ParkingSession(
                uuid.uuid4().hex, "lost entry", read.text, read.stamp, len(self._first), None, read.stamp.time
            )
        self._taken().write(session, exit_plate=read.text)
        if found:
            self._forget(found[0].item)
        self.tally("left" if found else "lost entry")
        time = read.stamp.time
        self._left = [each for each in self._left if abs(time - each[1]) < self.repeat] + [(read.text, time)]
        yield self._told(session)

    def _closed(self, stay: Stay, read: PlateRead, distance: float) -> ParkingSession:
        """What is told of a session that ends by a read."""
        time, count = read.stamp.time, len(self._first) - 1
        seconds = max(0.0, (time - stay.entered).total_seconds())
        return ParkingSession(stay.id, "closed", stay.plate, read.stamp, count, stay.entered, time, seconds, distance)

    def _left_just_now(self, read: PlateRead) -> bool:
        left: Nearby[None] = Nearby(self.alike)
        for plate, time in self._left:
            if abs(read.stamp.time - time) < self.repeat:
                left.add(plate, None)
        return bool(left.find(read.text))

    def _lost(self, stay: Stay, stamp: Stamp) -> ParkingSession:
        session = ParkingSession(stay.id, "lost exit", stay.plate, stamp, len(self._first) - 1, stay.entered)
        self._taken().write(session)
        self._forget(stay)
        self.tally("lost exit")
        return self._told(session)

    def _told(self, session: ParkingSession) -> ParkingSession:
        """The session, which is given now."""
        self._given.append((monotonic(), session.id))
        return session

    def _mark_told(self, at_once: bool) -> None:
        """Remember that those need not be told again after a crash which were given a while ago."""
        import sqlite3

        known = [id_ for when, id_ in self._given if at_once or monotonic() - when >= UNDERWAY]
        latest = {id_ for _, id_ in list(self._given)[len(known) :]}  # Of these something is under way.
        try:
            if known:
                self._taken().mark_told(set(known) - latest)
        except sqlite3.Error:
            return  # Tried again at the next call; at worst they are told twice.
        for _ in known:
            self._given.popleft()

    def _keep(self, stay: Stay) -> None:
        self._first[stay.id] = stay
        self._open.add(stay.plate, stay)

    def _forget(self, stay: Stay) -> None:
        del self._first[stay.id]
        self._open.remove(stay.plate, stay)
