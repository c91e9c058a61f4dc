"""Which cases a report shows as pictures: plates misread or missed, and what was taken for a plate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from flowalpr.lab.datasets.sample import Dataset, Plate
from flowalpr.lab.datasets.view import Tile
from flowalpr.lab.evaluation.detection import Findings, match
from flowalpr.lab.evaluation.outcome import Outcome
from flowalpr.lab.evaluation.running import Looked
from flowalpr.lab.evaluation.unlabelled import without_unlabelled

WORST = 60
"""Cases of a kind that are shown."""
AROUND = 1.0
"""Widths and heights around what was taken for a plate that are shown, to tell what it is."""


def worst_cases(datasets: Sequence[Dataset], outcomes: Sequence[Outcome], most: int = WORST) -> list[Tile]:
    """The plates that went most wrong: surely misread ones first, then missed ones."""
    folders = {dataset.name: dataset for dataset in datasets}
    wrong = sorted(
        (each for each in outcomes if not each.merged), key=lambda each: (each.read is None, -each.confidence)
    )
    tiles = []
    for each in wrong[:most]:
        said = "not found" if each.read is None else f"{each.read} ({each.confidence:.2f})"
        picture = folders[each.subject.data].picture(each.subject.sample)
        tiles.append(Tile(picture, each.subject.plate, said, f"is {each.truth}, {each.subject.data}"))
    return tiles


def worst_finds(datasets: Sequence[Dataset], findings: Sequence[Findings], at_least: float) -> list[Tile]:
    """What a detector took most surely for a plate, and is none that is labelled or known to be unlabelled."""
    folders = {dataset.name: dataset.folder for dataset in datasets}
    false = []
    for each in map(without_unlabelled, findings):
        hits = match(each.truth, each.boxes, each.scores)
        for index in np.flatnonzero((hits < 0) & (each.scores >= at_least)):
            box, sure = each.boxes[index].tolist(), float(each.scores[index])
            false.append((sure, _beside(folders[each.data], each.file, box, f"{sure:.2f}")))
    return _surest(false)


def worst_reads(datasets: Sequence[Dataset], looked: Mapping[str, Sequence[Looked]]) -> list[Tile]:
    """What a flow read most surely where there is no plate, labelled or known to be unlabelled."""
    false = []
    for dataset in datasets:
        for sample, each in zip(dataset, looked[dataset.name], strict=True):
            for read in each.judged.strays:
                if read not in each.judged.unlabelled:
                    said = f"{read.text} ({read.confidence:.2f})"
                    false.append((read.confidence, _beside(dataset.folder, sample.file, read.box, said)))
    return _surest(false)


def _beside(folder: Path, file: str, box: Sequence[float], said: str) -> Tile:
    left, top, right, bottom = box
    return Tile(folder / file, Plate(box=(left, top, right - left, bottom - top)), said, file, AROUND)


def _surest(tiles: list[tuple[float, Tile]]) -> list[Tile]:
    return [tile for _, tile in sorted(tiles, key=lambda each: -each[0])[:WORST]]
