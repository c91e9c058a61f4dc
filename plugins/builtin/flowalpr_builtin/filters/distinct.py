"""The node `distinct`: one read a visit instead of one a frame."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, PrivateAttr

from flowalpr import Duration, Exposure, Fault, Node, Passage, PlateRead, Subject
from flowalpr.plates import distance

if TYPE_CHECKING:
    from flowalpr_builtin.filters.memory import Memory

MOST_REMEMBERED = 10_000
"""Plates kept for each camera at most; the one passed on the longest ago is forgotten first."""
MOST_PASSAGES = 1000
"""Passages that were passed on and may be told of again."""
ROUNDING = 1e-9
"""Three times 0.1 is a little more than 0.3 in floating point."""


class Distinct(Node):
    """Pass on the first read of a plate and hold back its repeats until `cool_down` is over.

    Each camera has a memory of its own. Time is that of the frames, so recordings give the same result at any
    speed. The cool-down runs from the read that was passed on, so a car that stays is told again after each. A
    plate is forgotten once its cool-down is over, or when 10,000 others came after it. A camera whose clock jumps,
    forwards or backwards, holds a plate back for two cool-downs at most. What `vote` tells later of a passage that was
    passed on is passed on too.
    """

    cool_down: Duration = timedelta(seconds=30)
    """How long a plate is held back after it was passed on."""
    alike: float = Field(default=0.0, ge=0, le=3)
    """How far apart two texts of one plate may be: 0 for equal texts, 0.1 forgives a 0 read as O or a 1 as I, 0.2 also
    an S for a 5 or a B for an 8, 1 any one character wrong, missing or added."""
    remember: bool = False
    """Whether the memory outlives a restart, in a file of this node's own; for long cool-downs of live cameras."""
    _passed: dict[str, dict[str, datetime]] = PrivateAttr(default_factory=dict)
    _passages: dict[str, None] = PrivateAttr(default_factory=dict)
    _memory: Memory | None = None
    _is_loaded: bool = False
    _trouble: str = ""
    _is_told: bool = False

    def exposes(self) -> tuple[Exposure, ...]:
        if not self.remember:
            return ()
        return (Exposure("kept", f"which cars {self.name} saw last", longest=self.cool_down),)

    def known_of(self, subject: Subject) -> list[dict[str, Any]]:  # Any: the values that JSON has
        rows = self._remembered()
        return [{"camera": camera, "text": text} for camera, text, _ in rows if subject.is_meant_by(text)]

    def forget(self, subject: Subject) -> int:
        from flowalpr.storage.erasing import erasing

        gone = [(camera, text) for camera, text, _ in self._remembered() if subject.is_meant_by(text)]
        if gone:
            with erasing(self._file) as database:
                database.executemany("DELETE FROM passed WHERE camera = ? AND plate = ?", gone)
        return len(gone)

    def _remembered(self) -> list[tuple[str, str, float]]:
        from flowalpr.storage.erasing import reading

        if not self._file.exists():
            return []
        with reading(self._file) as database:
            return database.execute("SELECT camera, plate, time FROM passed").fetchall()

    @property
    def _file(self) -> Path:
        return self.home / "passed.db"

    def open(self) -> None:
        if self.remember:
            from flowalpr_builtin.filters.memory import Memory

            self._memory = Memory(self._file)

    def process(self, read: PlateRead) -> PlateRead | None:
        if not self._is_loaded:
            self._load()
        now = read.stamp.time
        if isinstance(read, Passage) and read.id in self._passages:
            return read
        passed = self._passed.setdefault(read.stamp.camera, {})
        self._forget(read.stamp.camera, passed, now)
        if self._known(read.text, passed):
            return None
        passed[read.text] = now
        if isinstance(read, Passage):
            self._passages[read.id] = None
        if len(self._passages) > MOST_PASSAGES:
            del self._passages[next(iter(self._passages))]
        self._write(read.stamp.camera, [], read.text, now)
        return read

    def due(self, now: datetime) -> Iterator[Fault]:
        if self._trouble and not self._is_told:
            self._is_told = True
            yield Fault(f"what was passed on is not remembered over a restart: {self._trouble}")

    def close(self) -> None:
        if self._memory is not None:
            self._memory.close()

    def _load(self) -> None:
        """Learn from the file, at the first read and not before: a node that this one replaces writes until then."""
        self._is_loaded = True
        for camera, plate, seconds in self._memory.all() if self._memory else ():
            self._passed.setdefault(camera, {})[plate] = datetime.fromtimestamp(seconds, timezone.utc)

    def _forget(self, camera: str, passed: dict[str, datetime], now: datetime) -> None:
        """Drop what is over; the dictionary is in the order in which plates were passed on."""
        # A distance in time, not an age: a clock set back by an hour must not hold plates back for an hour.
        over = [text for text, time in passed.items() if abs(now - time) >= self.cool_down]
        over = over or list(passed)[: max(0, len(passed) - MOST_REMEMBERED + 1)]
        for text in over:
            del passed[text]
        self._write(camera, over)

    def _known(self, text: str, passed: dict[str, datetime]) -> bool:
        if text in passed:
            return True
        return self.alike > 0 and any(distance(text, each) <= self.alike + ROUNDING for each in passed)

    def _write(self, camera: str, over: list[str], text: str = "", now: datetime | None = None) -> None:
        """Bring the file up to date; that it cannot be written is told, and holds no read back."""
        if self._memory is None:
            return
        import sqlite3

        try:
            for each in over:
                self._memory.forget(camera, each)
            if now is not None:
                self._memory.keep(camera, text, now)
        except sqlite3.Error as error:
            self._trouble = str(error)
        else:
            self._trouble, self._is_told = "", False
