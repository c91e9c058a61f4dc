"""The time that a segment lives in: wall time, or the time of the recordings that reach it."""

from __future__ import annotations

from datetime import datetime, timedelta
from time import monotonic

from flowalpr.clock import now
from flowalpr.messages import Message, stamp_of

TICK = 0.1
"""Seconds between two calls of `due`."""
IDLE = 1.0
"""Seconds that a thread sleeps at most where nothing but a message is awaited, so that it notices an abort."""


class WallClock:
    """The time of a segment that a live source reaches; it passes whether or not messages come."""

    def __init__(self) -> None:
        self._next = monotonic() + TICK

    def wait(self) -> float:
        """Seconds until the next tick."""
        return max(0.0, self._next - monotonic())

    def tick(self, message: Message | None) -> datetime | None:
        """The time, if a tick is due after `message` or after waiting in vain."""
        if monotonic() < self._next:
            return None
        self._next = monotonic() + TICK
        return now()


class RecordedClock:
    """The time of a segment that only recordings reach: that of the latest frame, so it passes as they are read."""

    def __init__(self) -> None:
        self._last: datetime | None = None

    def wait(self) -> float:
        """Seconds to sleep at most: no time passes between two messages."""
        return IDLE

    def tick(self, message: Message | None) -> datetime | None:
        """The time of the message, if at least a tick has passed since the last."""
        stamp = stamp_of(message) if message else None
        if stamp is None or (self._last and stamp.time - self._last < timedelta(seconds=TICK)):
            return None
        self._last = stamp.time
        return stamp.time


Clock = WallClock | RecordedClock
