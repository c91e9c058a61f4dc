"""A real flow over a data set: what it reads in every picture, in the caller's thread, with times."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from flowalpr.engine.inline import Inline
from flowalpr.flow.graph import Graph
from flowalpr.lab.datasets.sample import DataError, Dataset, Sample, decoded
from flowalpr.lab.evaluation.end_to_end import Judged, Read, judge
from flowalpr.messages import Frame, PlateRead, Stamp
from flowalpr.vision.image import Picture

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
APART = timedelta(minutes=10)
"""Time between two pictures: more than any window of votes, so that no picture speaks for another."""

Change = Callable[[Picture, Sample, int], tuple[Picture, Sample]]
"""What is done to the picture of a sample, which has a number, before it is looked at, and its labels after that; see
`conditions`."""


@dataclass(frozen=True, slots=True)
class Looked:
    """One picture that a flow has read."""

    judged: Judged
    milliseconds: float
    """Wall time from the decoded picture to its reads; decoding the file is not in it."""
    fault: str | None
    """Why the picture, or a node with it, failed; the picture still counts, with nothing read."""


def look_through(graph: Graph, dataset: Dataset, change: Change | None = None) -> Iterator[Looked]:
    """Read every picture of a data set with a flow; gives one result a picture, in order.

    Each picture comes from a camera of its own, so that nothing a node remembers of one touches the next. Reads that
    a node holds back until more frames come are asked for after each picture.

    Raises:
        FlowError: the flow has no source of frames.
        NotOpenedError: a node of the flow cannot be opened.
    """
    flow = Inline(graph)
    flow.open()
    try:
        for number, sample in enumerate(dataset):
            try:
                image, seen = shown(dataset, sample, number, change)
            except DataError as error:
                yield Looked(judge(dataset.name, sample, []), 0.0, str(error))
                continue
            reads, milliseconds, fault = _read(flow, image, sample.file, number)
            yield Looked(judge(dataset.name, seen, reads), milliseconds, fault)
    finally:
        flow.close()


def shown(dataset: Dataset, sample: Sample, number: int, change: Change | None) -> tuple[Picture, Sample]:
    """The picture of a sample as it is to be looked at, and the sample as it is labelled then.

    Raises:
        DataError: the picture is missing or cannot be decoded.
    """
    image = decoded(dataset, sample)
    return (image, sample) if change is None else change(image, sample, number)


def _read(flow: Inline, image: Picture, file: str, number: int) -> tuple[list[Read], float, str | None]:
    start = time.perf_counter()
    results, faults = flow.read(Frame(image, Stamp(str(number), START + number * APART, number), file))
    milliseconds = (time.perf_counter() - start) * 1e3
    held_back, late_faults = flow.finish()
    reads = [_as_read(each) for each in [*results, *held_back]]
    failed = [*faults, *late_faults]
    return reads, milliseconds, str(failed[0].error) if failed else None


def _as_read(read: PlateRead) -> Read:
    left, top, right, bottom = read.detection.box
    return Read(read.text, read.confidence, (left, top, right, bottom))
