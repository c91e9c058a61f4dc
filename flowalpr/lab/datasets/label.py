"""Labelling in a terminal: what a model proposes for a picture, and the plate drawn with characters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any  # A node's `process` has a signature of its own.

import numpy as np
from numpy.typing import NDArray

from flowalpr.lab.datasets.sample import Corners, Dataset, Plate, Sample, boxes_of, decoded
from flowalpr.messages import Box, Detection, Detections, Frame, PlateRead, Stamp
from flowalpr.node import Node
from flowalpr.plates.matching import distance
from flowalpr.vision.geometry import iou

if TYPE_CHECKING:
    from rich.text import Text

    from flowalpr.vision.image import Picture

COLUMNS = 72
"""Characters that a plate is drawn wide with; 80 are the least that terminals have."""
MARGIN = 0.15
SAME = 0.3
"""Overlap (intersection over union) from which on a plate that was found is one that is labelled already."""
UPPER_HALF = "▀"


@dataclass(frozen=True, slots=True)
class Open:
    """A picture with plates that nobody has answered for."""

    sample: int
    """Index of the picture in the data set."""
    picture: Picture
    plates: tuple[Plate, ...]
    """Labelled ones without text and reason; where there are none, those that were found; empty if none was found."""
    proposals: tuple[str, ...]
    """A text for each: one that a table gave for the picture, else what the reader reads; empty if nothing."""


def look(dataset: Dataset, finder: Node, reader: Node) -> Iterator[Open]:
    """Every picture with something to ask about, and those in which nothing is labelled and nothing was found.

    Texts without a box, as tables give them, are asked about as well. The two nodes are open.

    Raises:
        DataError: a picture is missing or cannot be decoded.
    """
    for index, sample in enumerate(dataset):
        plates = tuple(each for each in sample.plates if each.text is None and not each.reason and each.bounds)
        texts = [each.text for each in sample.plates if each.text and not each.bounds]
        if not plates and (sample.looked_at or (sample.plates and not texts)):
            continue
        frame = Frame(decoded(dataset, sample), Stamp("label", datetime.now(timezone.utc), index), sample.file)
        found = [_detection(frame, plate) for plate in plates]
        if not plates:
            process: Any = getattr(finder, "process")  # noqa: B009  # The base class does not declare it.
            there = boxes_of(sample.plates)
            found = [each for each in process(frame).found if not (_overlaps(each, there) >= SAME).any()]
            plates = tuple(_plate(each) for each in found)
        yield Open(index, frame.image, plates, _known(_texts(reader, frame, found), texts))


def replaced(sample: Sample, old: Plate, new: Plate | None) -> Sample:
    """The sample with a plate replaced, or left out; what a table said of the same text becomes part of it."""
    said = next((each for each in sample.plates if new and each.text == new.text and not each.bounds), None)
    if said and new:
        new = new.model_copy(update={"country": said.country or new.country, "rows": said.rows})
    plates = [(new if each is old else each) for each in sample.plates if each is not said]
    return sample.model_copy(update={"plates": tuple(each for each in plates if each is not None)})


def drawn(picture: Picture, plate: Plate, columns: int = COLUMNS) -> Text:
    """The plate in a picture as coloured half characters, two pixels each, for a terminal with 24-bit colour."""
    import cv2
    from rich.color import Color
    from rich.style import Style
    from rich.text import Text

    assert plate.bounds is not None  # noqa: S101  # A question always has a box.
    left, top, right, bottom = plate.bounds
    across, along = (right - left) * MARGIN, (bottom - top) * MARGIN
    rows = slice(max(0, int(top - along)), max(1, int(bottom + along)))
    part = picture[rows, max(0, int(left - across)) : max(1, int(right + across))]
    height = max(2, round(columns * part.shape[0] / part.shape[1]) // 2 * 2)
    small = cv2.cvtColor(cv2.resize(part, (columns, height), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB)
    text = Text()
    for upper, lower in zip(small[::2].tolist(), small[1::2].tolist(), strict=True):
        for above, below in zip(upper, lower, strict=True):
            text.append(UPPER_HALF, Style(color=Color.from_rgb(*above), bgcolor=Color.from_rgb(*below)))
        text.append("\n")
    return text


def _texts(reader: Node, frame: Frame, found: Sequence[Detection]) -> tuple[str, ...]:
    process: Any = getattr(reader, "process")  # noqa: B009  # The base class does not declare it.
    reads: list[PlateRead] = list(process(Detections(frame, tuple(found))))
    of = {id(read.detection): read.text for read in reads}
    return tuple(of.get(id(each), "") for each in found)


def _known(reads: tuple[str, ...], texts: list[str]) -> tuple[str, ...]:
    """The reads, with each text that is known for the picture in place of the read that is nearest to it."""
    apart = sorted((distance(read, text), place, text) for place, read in enumerate(reads) for text in texts)
    nearest: dict[int, str] = {}
    for _, place, text in apart:
        if place not in nearest and text not in nearest.values():
            nearest[place] = text
    return tuple(nearest.get(place, read) for place, read in enumerate(reads))


def _overlaps(found: Detection, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    return iou(np.array([found.box], np.float32), boxes)


def _plate(found: Detection) -> Plate:
    corners: Corners | None = None
    if found.corners is not None:
        first, second, third, fourth = ((round(float(x), 1), round(float(y), 1)) for x, y in found.corners)
        corners = first, second, third, fourth
    left, top, width, height = found.box.xywh()
    return Plate(box=(left, top, width, height), corners=corners)


def _detection(frame: Frame, plate: Plate) -> Detection:
    assert plate.bounds is not None  # noqa: S101  # The caller has chosen plates with a box.
    corners = None if plate.corners is None else np.array(plate.corners, np.float32)
    return Detection(frame, Box(*plate.bounds), 1.0, corners)
