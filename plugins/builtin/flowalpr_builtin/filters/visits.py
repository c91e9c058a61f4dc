"""All cars in front of one camera, and the plates that were told of it a while ago."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from flowalpr import Box, PlateRead
from flowalpr.plates import distance
from flowalpr_builtin.filters.visit import Visit

ALIKE = 0.6
"""Two texts at most so far apart (`plates.distance`), look-alikes alone, are one plate."""
NEXT_TO = 1.0
"""The same for a plate where the other was a moment ago: any one character."""
MOMENT = timedelta(seconds=3)
NEAR = 3.0
"""Widths of a plate between two places that one car may have been in, a moment apart."""
MOST = 64
"""Cars that are followed at a time; the one not seen for longest is ended first."""
MOST_WHOLE = 8
"""Cars of which whole frames are kept; of the others, only the plate."""
LATEST = 200
"""Sights from which it is told whether frames are dropped."""
MOST_TOLD = 256
"""Plates told, and tracks ended, that are remembered."""


@dataclass(slots=True)
class Told:
    """A plate that has been told, to be known again."""

    text: str
    last: datetime
    box: Box


class Visits:
    """The cars of one camera."""

    def __init__(self) -> None:
        self.open: list[Visit] = []
        """The one seen last is last."""
        self._told: dict[str, Told] = {}
        """By the id of the visit; of an open one it is kept true."""
        self._ended: dict[int, None] = {}
        self._gaps: deque[int] = deque(maxlen=LATEST)
        """Frame numbers between two sights of one car."""

    @property
    def drops_frames(self) -> bool:
        """Whether no car was seen in two frames in a row lately: the flow is too slow, or takes not every frame."""
        return min(self._gaps, default=1) > 1

    def of(self, read: PlateRead) -> Visit | None:
        """The visit that a read belongs to, a new one if need be; None if it is over or was none."""
        track = read.detection.track
        if track in self._ended or (track is None and not read.text):
            return None
        for visit in self.open:
            if self._is_of(visit, read):
                self.open.remove(visit)
                self._gaps.append(read.stamp.number - visit.number)
                break
        else:
            visit = Visit(read)
        self.open.append(visit)
        return visit

    def end(self, visit: Visit) -> None:
        """Follow it no more; reads of its track that come late are of no use."""
        self.open.remove(visit)
        if visit.track is not None:
            self._ended[visit.track] = None
            _shorten(self._ended)

    def tell(self, visit: Visit, text: str) -> None:
        """Remember what was told of it."""
        self._told[visit.id] = Told(text, visit.last, visit.box)
        _shorten(self._told)

    def follow(self, visit: Visit) -> None:
        """Keep the memory of a told plate true while its car is there."""
        told = self._told.get(visit.told)
        if told is not None:
            told.last, told.box = visit.last, visit.box

    def known(self, visit: Visit, text: str, again: timedelta) -> str:
        """The id of the visit of which this one is the rest, told within `again` before it began; else empty."""
        for id_, told in self._told.items():
            apart, between = distance(text, told.text), visit.first - told.last
            continues = between <= MOMENT and _are_near(told.box, visit.first_box)
            if abs(between) <= again and apart <= (NEXT_TO if continues else ALIKE):
                return id_
        return ""

    def save_memory(self) -> None:
        """Free the whole frames of all cars but those seen last."""
        for visit in self.open[:-MOST_WHOLE]:
            visit.let_go()

    def _is_of(self, visit: Visit, read: PlateRead) -> bool:
        track = read.detection.track
        if track is not None or visit.track is not None:
            return visit.track == track
        told = self._told.get(visit.told)
        text = told.text if told else visit.fused().text
        return distance(text, read.text) <= (NEXT_TO if _are_near(visit.box, read.detection.box) else ALIKE)


def _are_near(one: Box, other: Box) -> bool:
    aside = abs(one.left + one.right - other.left - other.right) / 2
    up = abs(one.top + one.bottom - other.top - other.bottom) / 2
    return max(aside, up) <= NEAR * max(one.width, other.width)


def _shorten(memory: dict[int, None] | dict[str, Told]) -> None:
    while len(memory) > MOST_TOLD:
        memory.pop(next(iter(memory)))  # type: ignore[call-overload]  # mypy joins the two kinds of keys.
