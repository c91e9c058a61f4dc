"""Data sets in a folder, and what they hold in figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

from flowalpr.errors import Problem
from flowalpr.lab.datasets.sample import LABELS, DataError, Dataset, load


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a data set holds."""

    name: str
    pictures: int
    plates: int
    with_box: int
    with_corners: int
    with_text: int
    two_row: int
    texts: int
    """Different texts."""
    picture_sizes: dict[str, int]
    """Width x height to how often, the most frequent first."""
    plate_widths: tuple[float, float, float] | None
    """Pixels that a quarter, a half and three quarters of the plates do not exceed; None below two plates."""
    countries: dict[str, int]
    conditions: dict[str, int]
    characters: dict[str, int]
    """Each character of the texts to how often it occurs, the most frequent first."""


def find(folders: Sequence[Path]) -> list[Dataset]:
    """The data sets in these folders: each folder with labels, else all such folders below it.

    Raises:
        DataError: a folder has no labels anywhere, or lines of them are wrong.
    """
    found: list[Path] = []
    problems = []
    for folder in folders:
        if folder.is_file() or (folder / LABELS).is_file():
            found.append(folder)
            continue
        below = sorted(path.parent for path in folder.rglob(LABELS))
        if not below:
            fix = "flowalpr data import --help shows how to make one from what you have"
            problems.append(Problem(f"{folder} holds no data set", f"a folder with a {LABELS}", fix))
        found += below
    if problems:
        raise DataError(*problems)
    return [load(folder) for folder in found]


def statistics(dataset: Dataset) -> Statistics:
    """The figures of one data set."""
    plates = [plate for sample in dataset for plate in sample.plates]
    texts = [plate.text for plate in plates if plate.text]
    widths = [plate.box[2] for plate in plates if plate.box]
    return Statistics(
        name=dataset.name,
        pictures=len(dataset),
        plates=len(plates),
        with_box=sum(plate.box is not None for plate in plates),
        with_corners=sum(plate.corners is not None for plate in plates),
        with_text=len(texts),
        two_row=sum((plate.rows or 1) > 1 for plate in plates),
        texts=len(set(texts)),
        picture_sizes=_counted(f"{sample.width} x {sample.height}" for sample in dataset),
        plate_widths=_quarters(widths),
        countries=_counted(plate.country for plate in plates if plate.country),
        conditions=_counted(each for sample in dataset for each in sample.conditions),
        characters=_counted("".join(texts)),
    )


def _counted(values: Iterable[str]) -> dict[str, int]:
    return dict(Counter(values).most_common())


def _quarters(values: Sequence[float]) -> tuple[float, float, float] | None:
    if len(values) < 2:
        return None
    first, second, third = quantiles(values, n=4)
    return first, second, third
