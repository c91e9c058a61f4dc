"""Which box of a frame is which plate of the frame before: association by overlap and motion.

In two stages after ByteTrack (Zhang et al., arXiv:2110.06864), the boxes found with confidence first, and a third for
plates that moved further than their own size; with a Kalman filter of constant velocity in seconds, not in frames,
since live cameras drop frames. Boxes are float64, (n, 4), left top right bottom in pixels of the camera's picture.
"""

from __future__ import annotations

from collections.abc import Callable

import lap  # type: ignore[import-untyped]  # lap 0.5 has no type hints.
import numpy as np
from numpy.typing import NDArray

from flowalpr.vision.geometry import iou

Floats = NDArray[np.float64]
Indexes = NDArray[np.intp]

# All lengths below are in heights of the plate, 0.11 m for a car's in Europe. Set by hand on the scenes of
# tests/builtin/test_track.py and the clips; half and double of each give the same tracks there.
JITTER = 0.1
"""By how much a detector errs about a plate's place and size."""
ACCELERATION = 40.0
"""Of a plate in the picture, a second and second: 3 m/s2 of a car that brakes, and its coming nearer."""
SPEED = 20.0
"""Of a plate seen for the first time, a second: 8 km/h across the picture, three times that now and then."""
RESIZING = 0.3
"""How much less a plate's size changes than its place."""
FURTHEST = 8.0
"""A plate is never taken for one that lies further away, whatever its motion."""

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


class Tracker:
    """The tracks of one camera."""

    def __init__(self, sure: float, memory: float, number: Callable[[], int]) -> None:
        """Begins with none.

        `sure` is the confidence that a box needs to begin a track, `memory` the seconds that a track outlives its
        last box, and `number` gives the number of a new track.
        """
        self._sure = sure
        self._memory = memory
        self._number = number
        self._time = 0.0
        self._numbers: list[int] = []
        self._place = np.zeros((0, 4))
        """Middle x and y, width, height, in pixels; a row a track, as in all below."""
        self._speed = np.zeros((0, 4))
        """The same, a second."""
        self._spread = np.zeros((0, 3, 4))
        """Variance of the place, its covariance with the speed, variance of the speed."""
        self._seen = np.zeros(0)
        """When, in seconds."""

    def update(self, boxes: Floats, confidences: Floats, time: float) -> list[int | None]:
        """The track of each box of a frame taken at `time` (seconds); None for one that belongs to none."""
        passed = time - self._time
        if passed < 0 or passed > self._memory:
            self._keep(np.zeros(len(self._numbers), np.bool_))
            passed = 0.0
        self._time = time
        if len(self._numbers):
            self._predict(passed)
        sides = boxes[:, 2:] - boxes[:, :2]
        measured = np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, sides], axis=1)
        found = self._associate(boxes, measured, confidences >= self._sure)
        matched = np.flatnonzero(found >= 0)
        if len(matched):
            self._correct(found[matched], measured[matched], time)
        numbers: list[int | None] = [self._numbers[each] if each >= 0 else None for each in found.tolist()]
        for index in self._newborn(boxes, confidences, found):
            numbers[index] = self._begin(measured[index], time)
        self._keep(time - self._seen <= self._memory)
        return numbers

    def _associate(self, boxes: Floats, measured: Floats, sure: NDArray[np.bool_]) -> Indexes:
        """For each box the row of its track, or -1."""
        found = np.full(len(boxes), -1, np.intp)
        if not len(boxes) or not len(self._numbers):
            return found
        expected = _boxes(self._place)
        overlap = iou(expected.astype(np.float32), boxes.astype(np.float32)).astype(np.float64)
        tracks, rows = np.arange(len(self._numbers)), np.flatnonzero(sure)
        tracks = self._assign(found, tracks, rows, 1 - overlap, 1 - OVERLAP)
        if not sure.all() and len(tracks):
            tracks = self._assign(found, tracks, np.flatnonzero(~sure), 1 - overlap, 1 - OVERLAP_WEAK)
        rows = rows[found[rows] < 0]
        if len(tracks) and len(rows):
            self._assign(found, tracks, rows, self._distances(measured), 1.0)
        return found

    def _assign(self, found: Indexes, tracks: Indexes, rows: Indexes, costs: Floats, limit: float) -> Indexes:
        """Pairs tracks and boxes at the least cost in sum, none above `limit`, and gives the tracks left over."""
        if not len(tracks) or not len(rows):
            return tracks
        part = costs[np.ix_(tracks, rows)]
        if part.min() > limit:
            return tracks
        _, partner, _ = lap.lapjv(part, extend_cost=True, cost_limit=limit)
        paired = partner >= 0
        found[rows[partner[paired]]] = tracks[paired]
        return np.asarray(tracks[~paired], dtype=np.intp)

    def _distances(self, measured: Floats) -> Floats:
        """How far each box is from each expected place, as a share of how far it may be; above 1 if it cannot be."""
        height = self._place[:, 3]
        reach = np.minimum(self._place[:, 2] / 2 + 3 * np.sqrt(self._spread[:, 0, 0]), FURTHEST * height)
        apart = np.linalg.norm(self._place[:, None, :2] - measured[None, :, :2], axis=2)
        resized = np.abs(np.log(np.maximum(height[:, None], 1) / np.maximum(measured[None, :, 3], 1)))
        return np.where(resized <= np.log(RESIZED), apart / np.maximum(reach[:, None], 1), 2.0)

    def _newborn(self, boxes: Floats, confidences: Floats, found: Indexes) -> list[int]:
        """The boxes that begin a track, the surest first."""
        begun: list[int] = []
        free = np.flatnonzero((found < 0) & (confidences >= self._sure))
        taken = np.flatnonzero(found >= 0).tolist()
        for index in free[np.argsort(-confidences[free], kind="stable")].tolist():
            if not _covered(boxes[index], boxes[taken]) and len(self._numbers) + len(begun) < MOST:
                begun.append(index)
                taken.append(index)
        return begun

    def _begin(self, measured: Floats, time: float) -> int:
        number = self._number()
        height = max(float(measured[3]), 1.0)
        spread = np.array([(JITTER * height) ** 2, 0.0, (SPEED * height) ** 2])
        self._numbers.append(number)
        self._place = np.vstack([self._place, measured])
        self._speed = np.vstack([self._speed, np.zeros(4)])
        self._spread = np.concatenate([self._spread, (spread[:, None] * _RELATIVE)[None]])
        self._seen = np.append(self._seen, time)
        return number

    def _predict(self, passed: float) -> None:
        """Moves all tracks on by so many seconds."""
        height = np.maximum(self._place[:, 3], 1.0)
        noise = (ACCELERATION * height[:, None]) ** 2 * _RELATIVE
        place, both, speed = self._spread[:, 0], self._spread[:, 1], self._spread[:, 2]
        self._place += self._speed * passed
        self._place[:, 2:] = np.maximum(self._place[:, 2:], 1.0)
        place += 2 * passed * both + passed**2 * speed + noise * passed**4 / 4
        both += passed * speed + noise * passed**3 / 2
        speed += noise * passed**2

    def _correct(self, rows: Indexes, measured: Floats, time: float) -> None:
        """Moves tracks towards what was measured."""
        place, both, speed = (self._spread[rows, each] for each in range(3))
        height = np.maximum(measured[:, 3:], 1.0)
        total = place + (JITTER * height) ** 2
        off = measured - self._place[rows]
        self._place[rows] += place / total * off
        self._speed[rows] += both / total * off
        self._spread[rows] = np.stack(
            [place * (1 - place / total), both * (1 - place / total), speed - both**2 / total], axis=1
        )
        self._seen[rows] = time

    def _keep(self, kept: NDArray[np.bool_]) -> None:
        if kept.all():
            return
        self._numbers = [number for number, stays in zip(self._numbers, kept.tolist(), strict=True) if stays]
        self._place, self._speed = self._place[kept], self._speed[kept]
        self._spread, self._seen = self._spread[kept], self._seen[kept]


_RELATIVE = np.array([1.0, 1.0, RESIZING**2, RESIZING**2])


def _boxes(places: Floats) -> Floats:
    middle, half = places[:, :2], places[:, 2:] / 2
    return np.concatenate([middle - half, middle + half], axis=1)


def _covered(box: Floats, others: Floats) -> bool:
    """Whether one of the others and this box share most of the smaller of the two."""
    if not len(others):
        return False
    least, most = np.minimum(box[2:], others[:, 2:]), np.maximum(box[:2], others[:, :2])
    shared = np.prod(np.clip(least - most, 0, None), axis=1)
    areas = np.prod(others[:, 2:] - others[:, :2], axis=1)
    return bool((shared > DOUBLE * np.minimum(areas, np.prod(box[2:] - box[:2]))).any())
