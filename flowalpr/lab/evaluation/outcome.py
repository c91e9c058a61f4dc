"""What became of each true plate, and how such outcomes are grouped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from flowalpr.lab.datasets.sample import Plate, Sample

WIDTHS = ((0, 60), (60, 100), (100, 160), (160, None))
"""Pixels of a plate's width that reports tell apart: far, middle, near, close."""
LOOK_ALIKES = str.maketrans("OI", "01")


@dataclass(frozen=True, slots=True)
class Subject:
    """A labelled plate under test."""

    data: str
    sample: Sample
    index: int

    @property
    def plate(self) -> Plate:
        """The label."""
        return self.sample.plates[self.index]

    @property
    def key(self) -> str:
        """Which plate this is, the same in every evaluation of the same data."""
        return f"{self.data}/{self.sample.file}#{self.index}"

    @property
    def groups(self) -> Iterator[str]:
        """Every group of a report that the plate belongs to, such as `country GB` or `width 60-100`."""
        plate = self.plate
        yield f"data {self.data}"
        if plate.country:
            yield f"country {plate.country}"
        yield "two rows" if (plate.rows or 1) > 1 else "one row"
        for condition in self.sample.conditions:
            yield f"condition {condition}"
        if plate.box:
            yield f"width {width_band(plate.box[2])}"
        if plate.corners:
            yield f"angle {_angle_band(plate)}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a reader, or a whole pipeline, made of one plate."""

    subject: Subject
    read: str | None
    """None: the plate was not found at all, or nothing was read in it."""
    confidence: float = 0.0

    @property
    def truth(self) -> str:
        """The text of the label."""
        return self.subject.plate.text or ""

    @property
    def exact(self) -> bool:
        """Whether every character is right."""
        return self.read == self.truth

    @property
    def merged(self) -> bool:
        """Whether every character is right when O is 0 and I is 1, which labels themselves confuse."""
        return self.read is not None and merge(self.read) == merge(self.truth)


def merge(text: str) -> str:
    """The text with O as 0 and I as 1."""
    return text.translate(LOOK_ALIKES)


def grouped(outcomes: Iterable[Outcome]) -> Mapping[str, Sequence[Outcome]]:
    """Outcomes by group, groups in the order of their names; a plate is in several."""
    groups: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        for name in outcome.subject.groups:
            groups[name].append(outcome)
    return dict(sorted(groups.items()))


def width_band(width: float) -> str:
    """The band of a plate's width in pixels, as reports name it."""
    for low, high in WIDTHS:
        if high is None or width < high:
            return f"{low}-{high} px" if high else f"over {low} px"
    raise AssertionError("the last band has no end")


def _angle_band(plate: Plate) -> str:
    import math

    assert plate.corners is not None  # noqa: S101  # The caller has looked.
    (x0, y0), (x1, y1) = plate.corners[:2]
    tilt = abs(math.degrees(math.atan2(y1 - y0, x1 - x0)))
    return "under 10 degrees" if tilt < 10 else "10-25 degrees" if tilt < 25 else "over 25 degrees"
