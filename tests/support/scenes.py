"""Scenes of plates whose tracks are known, and how well a tracker followed them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import lap
import numpy as np

from flowalpr import Box, Detection, Detections, Frame, Stamp
from flowalpr.testing import NOON

WIDTH, HEIGHT = 1280, 720
Way = Callable[[float], tuple[float, float, float] | None]
"""Where a plate is at a time: middle x and y and its height, in pixels; None if it is not there."""


@dataclass(frozen=True)
class Scene:
    """Plates, and how a detector errs about them."""

    ways: tuple[Way, ...]
    seconds: float = 4.0
    fps: float = 15.0
    jitter: float = 0.0
    """Of place and size, in heights of the plate."""
    missed: float = 0.0
    """Share of the plates not found."""
    false: float = 0.0
    """Findings of nothing, a frame."""
    dropped: float = 0.0
    """Share of the frames that never arrive."""
    seed: int = 0


@dataclass(frozen=True)
class Score:
    """How well the tracks agree with the truth."""

    mota: float
    """1 less the share of plates missed, found in vain, or under another number than before (CLEAR MOT, 2008)."""
    idf1: float
    """Share of plates under the one number that is the best for each (Ristani et al., 2016)."""
    switches: int
    tracks: int


def straight(start: tuple[float, float], speed: tuple[float, float], height: float = 25.0, since: float = 0.0) -> Way:
    """At one speed (pixels a second) along a line."""
    return lambda time: (
        None if time < since else (start[0] + speed[0] * (time - since), start[1] + speed[1] * (time - since), height)
    )


def approaching(x: float, seconds: float, since: float = 0.0, sideways: float = 40.0) -> Way:
    """Coming nearer, ever faster, as cars do in a picture."""

    def way(time: float) -> tuple[float, float, float] | None:
        passed = time - since
        if not 0 <= passed <= seconds:
            return None
        distance = 20.0 - 16.0 * passed / seconds  # metres
        return x + sideways * 20 / distance, 200 + 2000 / distance, 240 / distance

    return way


def hidden(way: Way, since: float, until: float) -> Way:
    """The same, but not to be seen for a while."""
    return lambda time: None if since <= time < until else way(time)


def detections(scene: Scene) -> list[tuple[Detections, tuple[int, ...], int]]:
    """Each frame's findings, which plate each of them is (-1 for none), and how many plates there were."""
    random = np.random.default_rng(scene.seed)
    image = np.zeros((HEIGHT // 8, WIDTH // 8, 3), np.uint8)
    result = []
    for number in range(round(scene.seconds * scene.fps)):
        time = number / scene.fps
        places = [(index, place) for index, way in enumerate(scene.ways) if (place := way(time)) is not None]
        if random.random() < scene.dropped:
            continue
        frame = Frame(image, Stamp("gate", NOON + timedelta(seconds=time), number))
        found = [(index, _found(frame, place, scene.jitter, random)) for index, place in places]
        kept = [each for each in found if random.random() >= scene.missed]
        for _ in range(random.poisson(scene.false)):
            place = (random.uniform(0, WIDTH), random.uniform(0, HEIGHT), random.uniform(15, 40))
            kept.append((-1, replace(_found(frame, place, 0, random), confidence=random.uniform(0.3, 0.7))))
        order = random.permutation(len(kept))
        detected = Detections(frame, tuple(kept[each][1] for each in order))
        result.append((detected, tuple(kept[each][0] for each in order), len(places)))
    return result


def score(truth: Sequence[tuple[Detections, tuple[int, ...], int]], tracked: Sequence[Detections]) -> Score:
    """How well what a tracker gave agrees with what it was given."""
    pairs: Counter[tuple[int, int]] = Counter()
    numbers: dict[int, int] = {}
    missed = vain = switches = given = there = 0
    for (found, plates, count), followed in zip(truth, tracked, strict=True):
        plate_of = {each.box: plate for each, plate in zip(found.found, plates, strict=True)}
        hits = [(plate_of[each.box], each.track) for each in followed.found]
        there, given = there + count, given + len(hits)
        right = [(plate, track) for plate, track in hits if plate >= 0 and track is not None]
        missed, vain = missed + count - len(right), vain + len(hits) - len(right)
        for plate, track in right:
            pairs[plate, track] += 1
            switches += numbers.get(plate, track) != track
            numbers[plate] = track
    tracks = {each.track for followed in tracked for each in followed.found}
    return Score(1 - (missed + vain + switches) / there, 2 * _most(pairs) / (there + given), switches, len(tracks))


def _found(frame: Frame, place: tuple[float, float, float], jitter: float, random: np.random.Generator) -> Detection:
    x, y, height = place
    errors = random.normal(0, 1, 4) * jitter * height
    x, y, width, tall = (np.array([x, y, 4.5 * height, height]) + errors).tolist()  # Plain numbers, as detectors give.
    return Detection(frame, Box(x - width / 2, y - tall / 2, x + width / 2, y + tall / 2), random.uniform(0.6, 0.95))


def _most(pairs: Counter[tuple[int, int]]) -> int:
    """The most findings that agree if each plate has one number."""
    plates, tracks = sorted({plate for plate, _ in pairs}), sorted({track for _, track in pairs})
    counts = np.array([[pairs[plate, track] for track in tracks] for plate in plates], float)
    _, partner, _ = lap.lapjv(counts.max() - counts, extend_cost=True)
    return int(sum(counts[row, column] for row, column in enumerate(partner) if column >= 0))
