"""Which plate of a frame is which of the frame before: association by overlap and motion.

In two stages after ByteTrack (Zhang et al., arXiv:2110.06864), the plates found with confidence first, and a third for
those that moved further than their own size. A frame has few plates, and for up to some dozens plain numbers are faster
than arrays, each of whose operations costs as much as computing with twenty numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import lap  # type: ignore[import-untyped]  # lap 0.5 has no type hints.
import numpy as np

from flowalpr import Box, Detection
from flowalpr_builtin.detect.motion import Motion, middle_and_size

OVERLAP = 0.2
"""Least overlap (intersection over union) of a plate with where it was expected; ByteTrack's."""
OVERLAP_WEAK = 0.4
"""The same for a plate found with little confidence."""
RESIZED = 1.6
"""A plate that overlaps nothing is taken for one of at most so many times its height, or as many times less."""
DOUBLE = 0.5
"""A box that another one of its frame covers by so much is a second finding of the same plate."""
MOST = 200
"""Tracks kept for a camera; one that finds more plates at a time finds something else."""

Pair = tuple[int, int]
"""A track and a plate found, by their indexes."""


@dataclass(slots=True)
class _Followed:
    number: int
    motion: Motion
    seen: float
    """When last, in seconds."""


class Tracker:
    """The tracks of one camera."""

    def __init__(self, sure: float, memory: float, number: Callable[[], int]) -> None:
        """Begins with none.

        `sure` is the confidence that a plate needs to begin a track, `memory` the seconds that a track outlives the
        last that was seen of it, and `number` gives the number of a new track.
        """
        self._sure = sure
        self._memory = memory
        self._number = number
        self._time = 0.0
        self._tracks: list[_Followed] = []

    def update(self, found: Sequence[Detection], time: float) -> list[int | None]:
        """The track of each plate found in a frame of `time` (seconds); None for one that belongs to none."""
        passed, self._time = time - self._time, time
        if not 0 <= passed <= self._memory:
            self._tracks.clear()
        for track in self._tracks:
            track.motion.predict(passed)
        numbers: list[int | None] = [None] * len(found)
        for row, index in self._associate(found):
            track = self._tracks[row]
            track.motion.correct(found[index].box)
            track.seen, numbers[index] = time, track.number
        for index in self._newborn(found, numbers):
            numbers[index] = self._begin(found[index].box)
        self._tracks = [track for track in self._tracks if time - track.seen <= self._memory]
        return numbers

    def _associate(self, found: Sequence[Detection]) -> list[Pair]:
        """Which track each plate found belongs to, if to any."""
        tracks = {row: track.motion for row, track in enumerate(self._tracks)}
        sure = {index: each.box for index, each in enumerate(found) if each.confidence >= self._sure}
        faint = {index: each.box for index, each in enumerate(found) if index not in sure}
        pairs = _take(tracks, sure, _overlaps(tracks, sure, OVERLAP))
        pairs += _take(tracks, faint, _overlaps(tracks, faint, OVERLAP_WEAK))
        pairs += _take(tracks, sure, _nearness(tracks, sure))
        return pairs

    def _newborn(self, found: Sequence[Detection], numbers: Sequence[int | None]) -> list[int]:
        """The plates that begin a track, the surest first."""
        taken = [each.box for each, number in zip(found, numbers, strict=True) if number is not None]
        free = [index for index, each in enumerate(found) if numbers[index] is None and each.confidence >= self._sure]
        begun: list[int] = []
        for index in sorted(free, key=lambda each: -found[each].confidence):
            box = found[index].box
            if len(self._tracks) + len(begun) < MOST and not _covered(box, taken):
                begun.append(index)
                taken.append(box)
        return begun

    def _begin(self, box: Box) -> int:
        number = self._number()
        self._tracks.append(_Followed(number, Motion(box), self._time))
        return number


def _overlaps(tracks: dict[int, Motion], plates: dict[int, Box], least: float) -> dict[Pair, float]:
    """By how much more than that the boxes (intersection over union) of tracks and plates overlap."""
    overlaps = {}
    for row, motion in tracks.items():
        left, top, right, bottom = expected = motion.box
        for index, box in plates.items():
            if box.left < right and left < box.right and box.top < bottom and top < box.bottom:  # Most do not.
                shared = _shared(expected, box)
                overlap = shared / (_area(expected) + _area(box) - shared)
                if overlap > least:
                    overlaps[row, index] = overlap - least
    return overlaps


def _nearness(tracks: dict[int, Motion], plates: dict[int, Box]) -> dict[Pair, float]:
    """How near plates are that tracks could have moved to: 1 where they were expected, 0 as far off as they may be."""
    seen = {index: middle_and_size(box) for index, box in plates.items()}
    nearness = {}
    for row, motion in tracks.items():
        expected, height, reach = motion.middle.place, motion.size.place.imag, motion.reach
        for index, (middle, size) in seen.items():
            apart = abs(middle - expected)
            if apart < reach and 1 / RESIZED <= size.imag / height <= RESIZED:
                nearness[row, index] = 1 - apart / reach
    return nearness


def _take(tracks: dict[int, Motion], plates: dict[int, Box], worths: dict[Pair, float]) -> list[Pair]:
    """Takes the pairs that are worth most in sum out of both, each track and each plate once at most."""
    pairs = list(worths)
    if len({row for row, _ in pairs}) < len(pairs) or len({index for _, index in pairs}) < len(pairs):
        pairs = _best(worths)
    for row, index in pairs:
        del tracks[row], plates[index]
    return pairs


def _best(worths: dict[Pair, float]) -> list[Pair]:
    """Those pairs where there is a choice: an assignment problem."""
    rows, indexes = zip(*worths, strict=True)
    costs = np.full((max(rows) + 1, max(indexes) + 1), 2.0)  # Of what is no pair: above the limit.
    costs[rows, indexes] = 1 - np.array(list(worths.values()))
    _, partner, _ = lap.lapjv(costs, extend_cost=True, cost_limit=1.0)
    return [(row, index) for row, index in enumerate(partner.tolist()) if index >= 0]


def _covered(box: Box, others: Sequence[Box]) -> bool:
    """Whether one of the others and this box share most of the smaller of the two."""
    return any(_shared(box, other) > DOUBLE * min(_area(box), _area(other)) for other in others)


def _shared(first: Box, second: Box) -> float:
    across = min(first.right, second.right) - max(first.left, second.left)
    down = min(first.bottom, second.bottom) - max(first.top, second.top)
    return max(across, 0.0) * max(down, 0.0)


def _area(box: Box) -> float:
    return box.width * box.height
