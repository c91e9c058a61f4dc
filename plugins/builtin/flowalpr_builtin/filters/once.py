"""Which passages were seen already, so that something happens once for each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from flowalpr import Passage, PlateRead
from flowalpr.plates import distance

MOST_REMEMBERED = 1000
"""Passages of all cameras; the one seen on the longest ago is forgotten first."""
ALIKE = 0.2
"""Two texts so far apart are one plate, read twice."""


@dataclass(frozen=True, slots=True)
class _Seen:
    camera: str
    text: str
    track: int | None
    last: datetime


class Once:
    """Tells the first read of each passage from its repeats: of one track or one plate, at one camera."""

    def __init__(self, again: timedelta) -> None:
        """A plate is the same passage until it was out of sight for `again`."""
        self._again = again
        self._seen: dict[str, _Seen] = {}
        """By the id of the read."""

    def is_first(self, read: PlateRead) -> bool:
        """Whether nothing of the same passage came before; if so, it is remembered."""
        now = read.stamp.time
        known = False
        for id_, other in list(self._seen.items()):
            # A distance in time, not an age: a clock set back by an hour must not make a plate known for an hour.
            if abs(now - other.last) >= self._again:
                del self._seen[id_]
            elif id_ == read.id or _are_same(read, other):
                del self._seen[id_]
                known = True
        last = max(now, read.last) if isinstance(read, Passage) else now
        self._remember(read.id, _Seen(read.stamp.camera, read.text, read.detection.track, last))
        return not known

    def has_seen(self, id_: str, camera: str, text: str, last: datetime) -> None:
        """Learn of a read from before a restart."""
        self._remember(id_, _Seen(camera, text, None, last))

    def _remember(self, id_: str, seen: _Seen) -> None:
        self._seen[id_] = seen
        if len(self._seen) > MOST_REMEMBERED:
            del self._seen[next(iter(self._seen))]


def _are_same(read: PlateRead, other: _Seen) -> bool:
    if read.stamp.camera != other.camera:
        return False
    is_same_track = other.track is not None and other.track == read.detection.track
    return is_same_track or distance(read.text, other.text) <= ALIKE
