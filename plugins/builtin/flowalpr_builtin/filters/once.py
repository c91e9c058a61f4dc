"""Which passages were seen already, so that something happens once for each."""

from __future__ import annotations

from datetime import datetime, timedelta

from flowalpr import Passage, PlateRead
from flowalpr.plates import distance

MOST_REMEMBERED = 1000
"""Passages of all cameras; the one seen on the longest ago is forgotten first."""
ALIKE = 0.2
"""Two texts so far apart are one plate, read twice."""


class Once:
    """Tells the first read of each passage from its repeats: of one track or one plate, at one camera."""

    def __init__(self, again: timedelta) -> None:
        """A plate is the same passage until it was out of sight for `again`."""
        self._again = again
        self._seen: dict[str, tuple[datetime, PlateRead]] = {}

    def is_first(self, read: PlateRead) -> bool:
        """Whether nothing of the same passage came before; if so, it is remembered."""
        now = read.stamp.time
        known = False
        for id_, (seen, other) in list(self._seen.items()):
            # A distance in time, not an age: a clock set back by an hour must not make a plate known for an hour.
            if abs(now - seen) >= self._again:
                del self._seen[id_]
            elif _are_same(read, other):
                del self._seen[id_]
                known = True
        self._seen[read.id] = (max(now, read.last) if isinstance(read, Passage) else now, read.detached())
        if len(self._seen) > MOST_REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return not known


def _are_same(one: PlateRead, other: PlateRead) -> bool:
    if one.stamp.camera != other.stamp.camera:
        return False
    track = one.detection.track
    is_same_track = track is not None and track == other.detection.track
    return is_same_track or one.id == other.id or distance(one.text, other.text) <= ALIKE
