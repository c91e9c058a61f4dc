"""How well whole pictures are read: every labelled plate against what a real flow made of its picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from flowalpr.lab.datasets.sample import Plate, Sample
from flowalpr.lab.evaluation.outcome import Outcome, Subject
from flowalpr.vision.geometry import iou

OVERLAP = 0.3
"""A read belongs to a label that it overlaps by this much. Half would be stricter than boxes of different
conventions can be: some data sets box the plate, some its frame, and some give every box one shape."""


class Read(NamedTuple):
    """One plate that a flow read in a picture."""

    text: str
    confidence: float
    """0..1"""
    box: tuple[float, float, float, float]
    """Left, top, right, bottom in pixels of the picture."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One picture: what became of its labelled plates, and reads that belong to none."""

    outcomes: tuple[Outcome, ...]
    """One for each plate whose text is known."""
    strays: tuple[Read, ...]
    """Reads on no labelled plate, and second reads of one. Some may be real plates that nobody labelled."""
    unlabelled: tuple[Read, ...] = ()
    """The strays on plates that are known to be there and not to be labelled, one a plate."""


def judge(data: str, sample: Sample, reads: Sequence[Read]) -> Judged:
    """The reads of one picture against its labels.

    A read belongs to the label that it overlaps most, the surest first, one read a label. In a picture with a
    single labelled plate that no read overlaps, the surest read stands for it, for labels are coarse and some have
    no box at all. Reads on plates without a text are neither right nor wrong.
    """
    free = sorted(range(len(reads)), key=lambda index: -reads[index].confidence)
    of_label: dict[int, Read] = {}
    for index in list(free):
        label = _best_label(sample.plates, reads[index], of_label)
        if label is not None:
            of_label[label] = reads[index]
            free.remove(index)
    if len(sample.plates) == 1 and not of_label and free:
        of_label[0] = reads[free.pop(0)]
    outcomes = []
    for index, plate in enumerate(sample.plates):
        if plate.text is not None:
            read = of_label.get(index)
            subject = Subject(data, sample, index)
            outcomes.append(Outcome(subject, read.text, read.confidence) if read else Outcome(subject, None))
    strays = tuple(reads[index] for index in free)
    return Judged(tuple(outcomes), strays, _on_unlabelled(sample, strays))


def _on_unlabelled(sample: Sample, strays: Sequence[Read]) -> tuple[Read, ...]:
    """The strays, surest first, on plates of the picture that nobody labelled; a second read of one stays a fault."""
    taken: dict[int, Read] = {}
    for read in strays:
        place = _best_label(sample.unlabelled, read, taken)
        if place is not None:
            taken[place] = read
    return tuple(taken.values())


def _best_label(plates: Sequence[Plate], read: Read, taken: dict[int, Read]) -> int | None:
    best, most = None, OVERLAP
    for index, plate in enumerate(plates):
        if plate.bounds is None or index in taken:
            continue
        overlap = float(iou(np.array([read.box], np.float32), np.array([plate.bounds], np.float32))[0, 0])
        if overlap >= most:
            best, most = index, overlap
    return best
