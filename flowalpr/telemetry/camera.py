"""What is seen of a camera from outside: its pictures, their rate, the age of the last, and its state in words."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from flowalpr.errors import in_one_line

ARRIVALS = 64
"""How many of the last pictures the rate is taken of, over `WINDOW` seconds at most."""
WINDOW = 10.0
PATIENCE = 1.0
"""Seconds without a picture after which a camera counts as stalled; of a slow one, five times its usual interval."""


class CameraWatch:
    """The figures of one camera. Written by its source's own thread alone, so it needs no lock; read by any."""

    __slots__ = (
        "_arrivals",
        "_clock",
        "_retry_at",
        "_since",
        "_stage",
        "_why",
        "frames",
        "height",
        "reconnects",
        "width",
    )

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self.frames = 0
        self.reconnects = 0
        """How often it has been tried again after a failure."""
        self.width = 0
        self.height = 0
        self._clock = clock
        self._arrivals = [0.0] * ARRIVALS
        self._since = 0
        """How many frames had come when it was last connected; the rate is that of later ones."""
        self._stage = "connecting"
        self._retry_at = 0.0
        self._why = ""

    def came(self, width: int, height: int) -> None:
        """Note a picture of that many pixels."""
        self._arrivals[self.frames % ARRIVALS] = self._clock()
        self.frames += 1
        self.width, self.height = width, height
        self._stage = "live"

    def connects(self) -> None:
        """Note that it is tried again."""
        self._stage = "connecting"
        self._since = self.frames
        self.reconnects += 1

    def retries(self, seconds: float, why: str) -> None:
        """Note that it failed and will be tried again in that time."""
        self._retry_at = self._clock() + seconds
        self._why = in_one_line(why)
        self._stage = "retry"

    def state(self, details: str = "") -> str:
        """`connecting`, `live`, `stalled 12 s` or `retry in 8 s: ...`; `details` stand in for `live`."""
        if self._stage == "retry":
            return self.retry()
        age = self.age()
        if self._stage == "live" and age is not None:
            return f"stalled {age:.0f} s" if age > self._patience() else details or "live"
        return self._stage

    def retry(self) -> str:
        """`retry in 8 s: ...` while it waits after a failure, else the empty string."""
        left = max(0.0, self._retry_at - self._clock())
        return f"retry in {left:.0f} s: {self._why}" if self._stage == "retry" else ""

    def age(self) -> float | None:
        """Seconds since the last picture came; None before the first."""
        return self._clock() - self._arrivals[(self.frames - 1) % ARRIVALS] if self.frames else None

    def fps(self) -> float:
        """Pictures a second of late."""
        now = self._clock()
        recent = [each for each in self._recent() if now - each <= WINDOW]
        return (len(recent) - 1) / (now - min(recent)) if len(recent) > 1 else 0.0

    def _patience(self) -> float:
        recent = self._recent()
        interval = (max(recent) - min(recent)) / (len(recent) - 1) if len(recent) > 1 else 0.0
        return max(PATIENCE, 5 * interval)

    def _recent(self) -> list[float]:
        """When the last pictures came, in no order."""
        count = min(self.frames - self._since, ARRIVALS)
        return [self._arrivals[(self.frames - 1 - back) % ARRIVALS] for back in range(count)]
