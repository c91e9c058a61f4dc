"""When the pictures of a stream were taken: their own times, laid over the clock of this computer.

A stream says how far apart its pictures are, but by the camera's clock and from a zero of its own. A picture cannot
come before it was taken; so those that came fastest show where the zero lies. It is sought anew all the time, since the
two clocks drift: 100 millionths are 9 s a day. What remains is the shortest delay of the way itself, the same for all.
"""

from __future__ import annotations

from datetime import datetime
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from flowalpr import Full

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WINDOW = 30.0
"""Seconds over which the fastest picture is sought; in two of them, a drift of 100 millionths makes 6 ms."""
JUMP = 10.0
"""A picture so many seconds off the mark is no late one: the camera has begun to count anew."""


class Taken(NamedTuple):
    """A picture, when it was taken (UTC, aware), and the main stream's of that moment."""

    image: NDArray[np.uint8]
    time: datetime
    full: Full | None = None


class CaptureTimes:
    """The times of one stream's pictures, in seconds of this computer's steady clock unless said otherwise."""

    def __init__(self) -> None:
        self._fastest = inf
        """Least difference between arrival and the stream's own time, in this window."""
        self._fastest_before = inf
        self._window_ends = -inf
        self._own_before = -inf
        self._latest = -inf

    def taken(self, arrived: float, own: float) -> float:
        """When a picture was taken that came at `arrived` and states `own` as its time; later than the one before."""
        shift = arrived - own
        if own < self._own_before or abs(shift - min(self._fastest, self._fastest_before)) > JUMP:
            self._fastest = self._fastest_before = inf
            self._window_ends = arrived + WINDOW
        self._own_before = own
        if arrived >= self._window_ends:
            self._fastest_before, self._fastest = self._fastest, inf
            self._window_ends = arrived + WINDOW
        self._fastest = min(self._fastest, shift)
        taken = own + min(self._fastest, self._fastest_before)
        self._latest = min(max(taken, self._latest + 1e-6), max(arrived, self._latest + 1e-6))
        return self._latest

    def late(self, arrived: float, own: float) -> float:
        """How much longer than the fastest it took a picture to come; changes nothing."""
        return arrived - own - min(self._fastest, self._fastest_before)
