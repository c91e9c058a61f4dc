"""What is wrong with the labels of a data set, before it spoils a training or a measurement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flowalpr.lab.datasets.importers import picture_size
from flowalpr.lab.datasets.sample import LABELS, Corners, Dataset, Plate, Sample

SHORTEST, LONGEST = 1, 12
"""Characters of a plate text: plates with a single figure exist, and the longest of the world stay within."""
SMALLEST = 4
"""Pixels of a plate's height below which nobody, person or network, reads anything."""
OUTSIDE = 2.0
"""Pixels that a label may lie outside of its picture: labelling tools round."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One label that cannot be right."""

    file: str
    plate: int | None
    """Index of the plate in the picture, from 0; None if the picture itself is meant."""
    what: str
    """Never the text itself, which is personal."""


def check(dataset: Dataset, alphabet: str | None = None) -> Iterator[Mistake | None]:
    """Every mistake of a data set; None after each picture, so that a progress bar can move.

    With an `alphabet`, texts with a character that is not in it are mistakes as well.
    """
    if not dataset:
        yield Mistake(LABELS, None, "names no picture")
    seen = Counter(sample.file for sample in dataset)
    for sample in dataset:
        if seen[sample.file] > 1:
            yield Mistake(sample.file, None, f"is labelled {seen[sample.file]} times")
        if problem := _picture(dataset.picture(sample), sample):
            yield Mistake(sample.file, None, problem)
        for index, plate in enumerate(sample.plates):
            for what in _plate(sample, plate, alphabet):
                yield Mistake(sample.file, index, what)
        for first, second in _doubles(sample):
            yield Mistake(sample.file, second, f"has nearly the box of plate {first}")
        yield None


def _picture(path: Path, sample: Sample) -> str | None:
    size = picture_size(path)
    if size is None:
        return "the picture cannot be read" if path.exists() else "the picture is missing"
    if size != (sample.width, sample.height):
        return f"the picture has {size[0]} x {size[1]} pixels, its label says {sample.width} x {sample.height}"
    return None


def _plate(sample: Sample, plate: Plate, alphabet: str | None) -> Iterator[str]:
    if plate.box:
        yield from _box(sample, plate.box)
    if plate.corners:
        yield from _corners(sample, plate.corners)
    if plate.box and plate.corners and not _corners_fit(plate.box, plate.corners):
        yield "corners and box are not of the same place"
    if plate.text is not None:
        yield from _text(plate.text, alphabet)


def _box(sample: Sample, box: tuple[float, float, float, float]) -> Iterator[str]:
    left, top, width, height = box
    if width <= 0 or height <= 0:
        yield f"the box has no area: {width:g} x {height:g}"
    elif height < SMALLEST:
        yield f"the box is {height:g} pixels high"
    elif height > 3 * width:
        yield f"the box is much higher than wide: {width:g} x {height:g}"
    if _outside([(left, top), (left + width, top + height)], sample):
        yield "the box leaves the picture"


def _corners(sample: Sample, corners: Corners) -> Iterator[str]:
    if _outside(corners, sample):
        yield "a corner lies outside of the picture"
    points = np.array(corners)
    sides = np.roll(points, -1, axis=0) - points
    following = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * following[:, 1] - sides[:, 1] * following[:, 0]
    if (turns < 0).all():
        yield "the corners go round counter-clockwise"
    elif not (turns > 0).all():
        yield "the corners are not those of a plate: two sides cross or three lie in a line"


def _corners_fit(box: tuple[float, float, float, float], corners: Corners) -> bool:
    """Whether the box around the corners and the labelled box share at least half of the larger."""
    points = np.array(corners)
    around = np.concatenate([points.min(axis=0), points.max(axis=0)])
    given = np.array([box[0], box[1], box[0] + box[2], box[1] + box[3]])
    shared = np.clip(np.minimum(around[2:], given[2:]) - np.maximum(around[:2], given[:2]), 0, None).prod()
    larger = max((around[2:] - around[:2]).prod(), (given[2:] - given[:2]).prod())
    return bool(shared >= 0.5 * larger)


def _text(text: str, alphabet: str | None) -> Iterator[str]:
    if not SHORTEST <= len(text) <= LONGEST:
        yield f"the text has {len(text)} characters"
    if any(not each.isalnum() for each in text):
        yield "the text has blanks or signs; labels hold letters and digits alone"
    elif text != text.upper():
        yield "the text is not in upper case"
    elif alphabet is not None and (strange := sorted(set(text) - set(alphabet))):
        yield f"the text has characters that are not in the alphabet: {' '.join(strange)}"


def _doubles(sample: Sample) -> Iterator[tuple[int, int]]:
    """Pairs of plates whose boxes are the same but for a tenth of their size."""
    boxes = [(index, plate.box) for index, plate in enumerate(sample.plates) if plate.box]
    for position, (first, a) in enumerate(boxes):
        for second, b in boxes[position + 1 :]:
            slack = 0.1 * min(a[2], b[2])
            if all(abs(x - y) <= slack for x, y in zip(a, b, strict=True)):
                yield first, second


def _outside(points: Iterable[tuple[float, float]], sample: Sample) -> bool:
    return any(
        not (-OUTSIDE <= x <= sample.width + OUTSIDE and -OUTSIDE <= y <= sample.height + OUTSIDE) for x, y in points
    )
