"""The node `distinct`: one read a visit instead of one a frame."""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import Field, PrivateAttr

from flowalpr import Duration, Node, PlateRead
from flowalpr.plates import distance

MOST_REMEMBERED = 10_000
"""Plates kept for each camera at most; the one passed on the longest ago is forgotten first."""


class Distinct(Node):
    """Pass on the first read of a plate and hold back its repeats until `cool_down` is over.

    Each camera has a memory of its own. Time is that of the frames, so recordings give the same result at any
    speed. The cool-down runs from the read that was passed on, so a car that stays is told again after each. A
    plate is forgotten once its cool-down is over, or when 10,000 others came after it. A camera whose clock jumps,
    forwards or backwards, holds a plate back for two cool-downs at most.
    """

    cool_down: Duration = timedelta(seconds=30)
    """How long a plate is held back after it was passed on."""
    alike: float = Field(default=0.0, ge=0, le=3)
    """How far apart two texts of one plate may be: 0 for equal texts, 0.1 forgives a 0 read as O or a 1 as I, 0.2 also
    an S for a 5 or a B for an 8, 1 any one character wrong, missing or added."""
    _passed: dict[str, dict[str, datetime]] = PrivateAttr(default_factory=dict)

    def process(self, read: PlateRead) -> PlateRead | None:
        now = read.stamp.time
        passed = self._passed.setdefault(read.stamp.camera, {})
        self._forget(passed, now)
        if self._known(read.text, passed):
            return None
        passed[read.text] = now
        return read

    def _forget(self, passed: dict[str, datetime], now: datetime) -> None:
        """Drop what is over; the dictionary is in the order in which plates were passed on."""
        # A distance in time, not an age: a clock set back by an hour must not hold plates back for an hour.
        over = [text for text, time in passed.items() if abs(now - time) >= self.cool_down]
        for text in over or list(passed)[: max(0, len(passed) - MOST_REMEMBERED + 1)]:
            del passed[text]

    def _known(self, text: str, passed: dict[str, datetime]) -> bool:
        return text in passed or (self.alike > 0 and any(distance(text, each) <= self.alike for each in passed))
