"""The detector alone and the reader alone, each as the node that ships, so that its cutting and scaling count too."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any  # A node's `process` has a signature of its own.

import numpy as np

from flowalpr.lab.datasets.sample import Dataset, Plate
from flowalpr.lab.evaluation.detection import Findings, findings_in
from flowalpr.lab.evaluation.outcome import Outcome, Subject
from flowalpr.lab.evaluation.running import Change, shown
from flowalpr.lab.training.reader_data import upright
from flowalpr.messages import Box, Detection, Detections, Frame, PlateRead, Stamp
from flowalpr.node import Node
from flowalpr.vision.image import Picture

START = datetime(2026, 1, 1, tzinfo=timezone.utc)


def find_all(node: Node, dataset: Dataset, change: Change | None = None) -> Iterator[Findings]:
    """What a `detect` node, which is open, finds in every picture, beside what is labelled; one a picture.

    Raises:
        DataError: a picture is missing or cannot be decoded.
    """
    process: Any = getattr(node, "process")  # noqa: B009  # The base class does not declare it.
    for number, sample in enumerate(dataset):
        image, seen = shown(dataset, sample, number, change)
        found: Detections = process(_frame(image, sample.file, number))
        yield findings_in(dataset.name, seen, found.found)


def read_all(node: Node, dataset: Dataset, change: Change | None = None) -> Iterator[list[Outcome]]:
    """What an `ocr` node, which is open, reads at the labelled place of each plate; one list a picture.

    Plates without a text or without a box are left out. Where corners are labelled, they are used.

    Raises:
        DataError: a picture is missing or cannot be decoded.
    """
    process: Any = getattr(node, "process")  # noqa: B009  # The base class does not declare it.
    for number, sample in enumerate(dataset):
        wanted = [index for index, plate in enumerate(sample.plates) if plate.text is not None and plate.bounds]
        if not wanted:
            yield []
            continue
        image, seen = shown(dataset, sample, number, change)
        frame = _frame(image, sample.file, number)
        placed = {index: _detection(frame, seen.plates[index]) for index in wanted}
        reads: list[PlateRead] = list(process(Detections(frame, tuple(placed.values()))))
        read_of = {id(read.detection): read for read in reads}
        outcomes = []
        for index, detection in placed.items():
            read = read_of.get(id(detection))
            subject = Subject(dataset.name, seen, index)
            outcomes.append(Outcome(subject, read.text, read.confidence) if read else Outcome(subject, None))
        yield outcomes


def _frame(image: Picture, file: str, number: int) -> Frame:
    return Frame(image, Stamp(str(number), START, number), file)


def _detection(frame: Frame, plate: Plate) -> Detection:
    assert plate.bounds is not None  # noqa: S101  # The caller has chosen plates with a box.
    corners = None if plate.corners is None else upright(np.array(plate.corners, np.float32))
    return Detection(frame, Box(*plate.bounds), 1.0, corners)
