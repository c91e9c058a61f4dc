"""Which tracked plates are worth reading: not those already known, and those that stand still ever more seldom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Annotated

from pydantic import Field, PrivateAttr

from flowalpr import Box, Detection, Detections, Fraction, Node, PlateRead
from flowalpr.plates import SHORTEST
from flowalpr_builtin.detect.standing import stands

GROWN = 1.5
"""A plate read surely is read again when it is so many times as high: what was small may look otherwise."""
NEARER = 1.3
"""A text shorter than `plates.SHORTEST` may be half a plate: it is known only from a plate that has become so many
times as high since it was first read."""
MANY = 12
"""A plate that so many reads did not make known is taken for one that stands, until it is `LARGER`."""
LARGER = 1.15
FIRST_REST, LONGEST_REST = 0.2, 30.0
"""Seconds between two reads of a plate that stands; each rest is twice the last."""
MOST_TRACKS = 64
"""Tracks remembered for a camera; the one seen the longest ago is forgotten first."""
MOST_TEXTS = 8
"""Different texts that are counted for a track."""


@dataclass(slots=True)
class _Known:
    """What is known of one track."""

    counts: dict[str, int] = field(default_factory=dict)
    """How often each text was read surely."""
    done_at: float = 0.0
    """The plate's height in pixels when enough reads agreed; 0 before."""
    box: Box | None = None
    """Where it was read last."""
    time: float = 0.0
    """When, in seconds."""
    rest: float = 0.0
    tries: int = 0
    """In motion, since it stood."""
    lowest: float = inf
    highest: float = 0.0
    """Of all boxes that were read."""

    def promises_nothing(self, box: Box) -> bool:
        """Whether another read would see what the last one saw, or what many saw in vain."""
        if self.box is None:
            return False
        if stands(self.box, box):
            self.tries = 0  # Once it moves, it may look otherwise.
            return True
        return self.tries >= MANY and box.height < LARGER * self.highest


class ThriftyNode(Node):
    """The settings that all readers share, and what they have to remember."""

    enough: Annotated[int, Field(ge=0, le=100)] = 3
    """A plate that `track` follows is read no more once so many sure reads of it agree, unless it has become half as
    high again; one that stands, or was read many times in vain, is read ever more seldom. 0 reads all always."""
    sure: Fraction = 0.9
    """Least confidence of a read that counts as sure."""

    _thrift: Thrift = PrivateAttr()

    def open(self) -> None:
        self._thrift = Thrift(self.enough, self.sure)

    def _worth_reading(self, found: Detections) -> tuple[Detection, ...]:
        """Those that are to be read; the others are counted as spared."""
        wanted = self._thrift.worth_reading(found)
        self.tally("plates looked at", len(wanted))
        self.tally("spared", len(found.found) - len(wanted))
        return wanted


class Thrift:
    """Remembers, for each camera and track, what was read."""

    def __init__(self, enough: int, sure: float) -> None:
        """A track is known once `enough` reads of at least the confidence `sure` agree; 0 reads all of them."""
        self._enough = enough
        self._sure = sure
        self._tracks: dict[str, dict[int, _Known]] = {}

    def worth_reading(self, found: Detections) -> tuple[Detection, ...]:
        """Those that are to be read now; what has no track always is."""
        if not self._enough:
            return found.found
        tracks = self._tracks.setdefault(found.stamp.camera, {})
        now = found.stamp.time.timestamp()
        return tuple(each for each in found.found if each.track is None or self._wants(tracks, each, now))

    def complete(self, found: Detections, reads: Sequence[PlateRead]) -> list[PlateRead]:
        """The reads of a frame, and one of empty text for each tracked plate that has none, in the order of `found`.

        So whoever follows a track behind the reader, as `vote` does, learns of every frame in which it was seen.
        """
        by_detection = {id(read.detection): read for read in reads}
        result = []
        for each in found.found:
            read = by_detection.get(id(each))
            if read is not None:
                self._learn(read)
            if read is not None or each.track is not None:
                result.append(read or PlateRead("", 0.0, each))
        return result

    def _wants(self, tracks: dict[int, _Known], found: Detection, now: float) -> bool:
        track = found.track or 0
        known = tracks.pop(track, None) or _Known()
        tracks[track] = known  # The last in the dictionary is the one seen last.
        while len(tracks) > MOST_TRACKS:
            del tracks[next(iter(tracks))]
        if known.done_at and found.box.height < GROWN * known.done_at:
            return False
        if known.promises_nothing(found.box):
            if 0 <= now - known.time < known.rest:  # After a clock was set back it is read at once.
                return False
            known.rest = min(max(FIRST_REST, 2 * known.rest), LONGEST_REST)
        else:
            known.rest = 0.0
        known.box, known.time = found.box, now
        known.tries += 1
        known.lowest, known.highest = min(known.lowest, found.box.height), max(known.highest, found.box.height)
        return True

    def _learn(self, read: PlateRead) -> None:
        known = self._tracks.get(read.stamp.camera, {}).get(read.detection.track or 0)
        if known is None or read.confidence < self._sure:
            return
        if read.text in known.counts or len(known.counts) < MOST_TEXTS:
            known.counts[read.text] = known.counts.get(read.text, 0) + 1
        height = read.detection.box.height
        may_be_half = len(read.text) < SHORTEST and height < NEARER * known.lowest
        if known.counts.get(read.text, 0) >= self._enough and not may_be_half:
            known.done_at = max(known.done_at, height)
