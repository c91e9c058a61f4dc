"""The node `barrier`: open once for each car, and close again."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil
from typing import Annotated

from pydantic import Field, PrivateAttr

from flowalpr import Duration, Node, Passage, PlateRead, Signal
from flowalpr_builtin.filters.once import Once

MOST_DELAYS = 10_000
"""Delays that are remembered for p50 and p95: those of the latest signals."""


class Barrier(Node):
    """Tell a barrier once for each car to open, and after `hold` that it may close; for a relay, `mqtt` or `webhook`.

    Every plate that comes opens it: put `watchlist` with `keep: allow` in front. A plate that a list denies never
    opens it, nor does one that could not be read. A car that stays, or is told of again by `vote`, opens it once; the
    next car opens it again and begins `hold` anew. Each camera is a barrier of its own. What opened it is forgotten at
    a restart: `distinct` with `remember: true` in front keeps a car that stands there from opening it once more.

    Each signal bears its delay: from the first frame in which the plate could be read until now. The run's summary
    shows p50 and p95 of them.
    """

    hold: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=5)
    """How long after the last car the signal to reset comes."""
    again: Duration = timedelta(seconds=30)
    """For how long a plate must be out of sight to open the barrier again."""

    _once: Once
    _open: dict[str, tuple[datetime, Signal]] = PrivateAttr(default_factory=dict)
    _delays: deque[float] = PrivateAttr(default_factory=lambda: deque(maxlen=MOST_DELAYS))
    _clock: tuple[datetime, float] | None = None

    def open(self) -> None:
        self._once = Once(self.again)

    def process(self, read: PlateRead) -> Signal | None:
        if not read.text or any(entry.action == "deny" for entry in read.listed):
            self.tally("refused")
            return None
        if not self._once.is_first(read):
            return None
        now = self._now(read)
        first = (read.sharp or read.first) if isinstance(read, Passage) else read.stamp.time
        delay = max(0.0, (now - first).total_seconds())
        self._delays.append(delay)
        self.tally("opened")
        signal = Signal(True, read.detached(), replace(read.stamp, time=now), delay)
        self._open[read.stamp.camera] = now, signal
        return signal

    def due(self, now: datetime) -> Iterator[Signal]:
        self._clock = now, time.monotonic()
        for camera, (since, signal) in list(self._open.items()):
            # A distance in time: a clock set back must not leave the barrier open.
            if abs(now - since) >= self.hold:
                del self._open[camera]
                yield Signal(False, signal.read, replace(signal.stamp, time=min(now, since + self.hold)), signal.delay)

    def tallies(self) -> dict[str, int]:
        delays = sorted(self._delays.copy())  # The flow's thread may append meanwhile.
        shown = {f"ms delay p{share}": round(_share(delays, share) * 1000) for share in (50, 95) if delays}
        return super().tallies() | shown

    def _now(self, read: PlateRead) -> datetime:
        """The time of the flow: wall time, or that of the recording."""
        seen = max(read.stamp.time, read.last) if isinstance(read, Passage) else read.stamp.time
        if self._clock is None:
            return seen
        told, at = self._clock
        return max(seen, told + timedelta(seconds=time.monotonic() - at))


def _share(values: list[float], percent: int) -> float:
    """The least of sorted values that `percent` of all do not exceed."""
    return values[max(0, ceil(len(values) * percent / 100) - 1)]
