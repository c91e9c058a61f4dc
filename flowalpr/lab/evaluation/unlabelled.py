"""Plates that are in a picture and not in its labels: finding or reading one is neither right nor wrong.

As COCO does it with regions that it ignores, but stricter: a region takes one finding, which must fit it as a finding
must fit a label, so that a second box on the same plate, or a box on a part of it, stays a fault. Labels come first,
and nothing is expected of a region: with regions no right finding becomes a false one, and no figure of recall changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from flowalpr.errors import Problem
from flowalpr.lab.datasets.sample import DataError, Dataset, Plate, Sample, load
from flowalpr.lab.evaluation.detection import Findings, match


def without_unlabelled(findings: Findings) -> Findings:
    """The findings of a picture but for those on plates that nobody labelled, one a plate, the surest."""
    beside = np.flatnonzero(match(findings.truth, findings.boxes, findings.scores) < 0)
    hits = match(findings.unlabelled, findings.boxes[beside], findings.scores[beside])
    kept = np.ones(len(findings.boxes), bool)
    kept[beside[hits >= 0]] = False
    return replace(findings, boxes=findings.boxes[kept], scores=findings.scores[kept])


def with_lists(datasets: Sequence[Dataset], lists: Sequence[Path]) -> list[Dataset]:
    """The data sets with the unlabelled plates of some lists.

    A list has the form of `labels.jsonl`, but that each `file` begins with the name of its data set
    (`val/world/images/1.jpg`). What a list says of other data sets is passed over.

    Raises:
        DataError: a list cannot be read, names a picture that its data set lacks or that has another size there, or
            says nothing of any of these data sets.
    """
    pictures = {f"{dataset.name}/{sample.file}": sample for dataset in datasets for sample in dataset}
    starts = tuple(f"{dataset.name}/" for dataset in datasets)
    seen: dict[str, tuple[Plate, ...]] = {}
    problems: list[Problem] = []
    for path in lists:
        entries = {number: each for number, each in enumerate(load(path), start=1) if each.file.startswith(starts)}
        if not entries:
            what, expected = f"{path} says nothing of these data sets", f"files that begin with {' or '.join(starts)}"
            problems.append(Problem(what, expected, "leave this list out, or begin its files so"))
        for number, entry in entries.items():
            # A file may be named after the plate in it, and errors tell no plates.
            problems += _mistakes(f"entry {number} of {path}", entry, pictures.get(entry.file))
            seen[entry.file] = (*seen.get(entry.file, ()), *entry.plates)
    if problems:
        raise DataError(*problems)
    return [Dataset(each.folder, tuple(_seen(each, seen))) for each in datasets]


def _mistakes(where: str, entry: Sample, sample: Sample | None) -> Iterator[Problem]:
    if sample is None:
        yield Problem(
            f"{where} is of a picture that its data set lacks", fix="use the list of this edition of the data"
        )
    elif (sample.width, sample.height) != (entry.width, entry.height):
        what = f"{where} is of a picture of {entry.width} x {entry.height} pixels"
        yield Problem(
            what, f"{sample.width} x {sample.height}, as in its data set", "scale its boxes as the picture was"
        )
    if any(plate.box is None for plate in entry.plates):
        yield Problem(f"{where} has a plate without a box", fix="say where in the picture it is: [x, y, width, height]")


def _seen(dataset: Dataset, seen: dict[str, tuple[Plate, ...]]) -> Iterator[Sample]:
    for sample in dataset:
        more = seen.get(f"{dataset.name}/{sample.file}", ())
        yield sample.model_copy(update={"unlabelled": (*sample.unlabelled, *more)}) if more else sample
