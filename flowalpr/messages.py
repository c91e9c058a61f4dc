"""What travels through a flow: immutable values, each of which carries its past.

A read leads to its detection, that to its frame, that to its pixels. So a node needs one input, and no flow
ever joins two streams by frame number. Nobody can change a message: one may feed five nodes without a copy.
"""

from __future__ import annotations

import dataclasses
import math
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:  # Its import takes a third of the time that `flowalpr check` may take.
    import numpy as np
    from numpy.typing import NDArray

    from flowalpr.events import Listed
    from flowalpr.full import Full

END_OF_TIME = datetime.max.replace(tzinfo=timezone.utc)
"""The time that `Node.due` is given once at the end of a flow: everything held back is due."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Which camera, when (UTC, aware) and the how-manieth frame, counted from 0."""

    camera: str
    time: datetime
    number: int


class Box(NamedTuple):
    """A rectangle in pixels of the camera's picture; right and bottom are exclusive."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Pixels from left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Pixels from top to bottom."""
        return self.bottom - self.top

    def xywh(self) -> list[float]:
        """Left, top, width, height, rounded to a tenth of a pixel: the form that files and JSON hold."""
        return [round(value, 1) for value in (self.left, self.top, self.width, self.height)]


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """What nodes give to one another; third parties derive their own as frozen dataclasses."""

    def record(self) -> dict[str, Any]:  # Any: the values that JSON has
        """The message as plain values for JSON, CSV or a database row; without pictures."""
        plain = (str, int, float, bool, type(None))
        values = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        kept = {key: value for key, value in values.items() if isinstance(value, plain)}
        return {"type": type(self).__name__, **_when(self), **kept}


@dataclass(frozen=True, slots=True, eq=False)
class Tick(Message):
    """A beat of a timer."""

    stamp: Stamp


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Frame(Message):
    """One picture of a camera: uint8, (height, width, 3), BGR, read-only inside a flow."""

    image: NDArray[np.uint8]
    stamp: Stamp
    source: str = ""
    """File name that the frame came from, without folders; empty for a live camera."""
    offset: tuple[int, int] = (0, 0)
    """Where the image's left top pixel lies in the camera's picture, as x and y; boxes count from there."""
    full: Full | None = None
    """The picture of the main stream, where this is one of a camera's sub-stream; see `Detection.sharpest`."""
    whole: tuple[int, int] | None = None
    """Width and height of the camera's picture that this was cut out of, or None if it is that itself."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the camera's picture, of which settings give shares."""
        return self.whole or (self.width, self.height)

    @property
    def width(self) -> int:
        """Pixels in a row."""
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.image.shape[0])

    def cut(self, box: Box) -> Frame:
        """The part of this frame inside `box` (pixels of the camera's picture), as a view, never empty."""
        x, y = self.offset
        left = min(max(math.floor(box.left) - x, 0), self.width - 1)
        top = min(max(math.floor(box.top) - y, 0), self.height - 1)
        right = min(max(math.ceil(box.right) - x, left + 1), self.width)
        bottom = min(max(math.ceil(box.bottom) - y, top + 1), self.height)
        full = self.full.cut(x + left, y + top, x + right, y + bottom) if self.full else None
        image = self.image[top:bottom, left:right]
        return dataclasses.replace(self, image=image, offset=(x + left, y + top), full=full, whole=self.size)

    def record(self) -> dict[str, Any]:  # Any: the values that JSON has
        """Camera, time, number, file and size."""
        return {
            "type": "Frame",
            **_when(self),
            "file": self.source,
            "width": self.width,
            "height": self.height,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """One plate found in a frame, in pixels of the camera's picture."""

    frame: Frame
    box: Box
    confidence: float
    """How sure the detector is, 0..1."""
    corners: NDArray[np.float32] | None = None
    """float32, (4, 2), x and y clockwise from the plate's left top, or None if the detector gives boxes only."""
    track: int | None = None
    """The same number for the same plate in frame after frame, or None before tracking."""

    def sharpest(self) -> Detection:
        """The same plate in the main stream's picture, in pixels of that, or itself where there is none."""
        full = self.frame.full
        if full is None:
            return self
        across, down = full.scale
        box = Box(self.box.left * across, self.box.top * down, self.box.right * across, self.box.bottom * down)
        corners = None if self.corners is None else (self.corners * full.scale).astype(self.corners.dtype)
        frame = Frame(full.image, self.frame.stamp, self.frame.source, full.offset)
        return dataclasses.replace(self, frame=frame, box=box, corners=corners)

    def crop(self, margin: float = 0.0) -> NDArray[np.uint8]:
        """The plate's pixels at their sharpest, uint8, (h, w, 3), BGR, a view; `margin` is a share of its height."""
        best = self.sharpest()
        return best.frame.cut(_grown(best.box, margin)).image

    def detached(self) -> Detection:
        """The same with the frame cut down to the plate and copied, so that the whole frame can be freed."""
        part = self.frame.cut(_grown(self.box, 0.5))
        full = part.full.copied() if part.full else None
        return dataclasses.replace(self, frame=dataclasses.replace(part, image=part.image.copy(), full=full))

    def record(self) -> dict[str, Any]:  # Any: the values that JSON has
        """Box as left, top, width, height; corners as four points or None; confidence; track."""
        corners = None if self.corners is None else self.corners.astype(float).round(1).tolist()
        return {
            "box": self.box.xywh(),
            "corners": corners,
            "confidence": round(self.confidence, 4),
            "track": self.track,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Detections(Message):
    """All plates found in one frame; none is a finding too, and trackers need to learn of it."""

    frame: Frame
    found: tuple[Detection, ...] = ()

    @property
    def stamp(self) -> Stamp:
        """The frame's stamp."""
        return self.frame.stamp

    def record(self) -> dict[str, Any]:  # Any: the values that JSON has
        """The frame's record and one for each plate."""
        return {**self.frame.record(), "type": "Detections", "found": [each.record() for each in self.found]}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PlateRead(Message):
    """What a plate says. Its `repr` is masked, since a plate is personal data; write `read.text` to have it."""

    text: str
    """Upper case, without blanks, dashes and dots. Empty where a tracked plate could not or need not be read."""
    confidence: float
    """How sure the reader is of the whole text, 0..1."""
    detection: Detection
    confidences: tuple[float, ...] = ()
    """One for each character of `raw`, 0..1; empty if the reader does not say."""
    country: str | None = None
    """ISO 3166-1 alpha-2 code of the country whose format fits, or None."""
    raw: str = ""
    """What the reader read before any repair; `text` if nothing was repaired."""
    repairs: tuple[str, ...] = ()
    """What was changed from `raw` to `text`, each as `position: before -> after`, position from 1."""
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    """Made at the read's birth and kept through every change, so that a store keeps each read once."""
    listed: tuple[Listed, ...] = ()
    """The entries of watch lists that it matches, one for each list that it met on its way."""

    def __post_init__(self) -> None:
        if not self.raw:
            object.__setattr__(self, "raw", self.text)  # The one moment at which a frozen value is still being made.

    @property
    def stamp(self) -> Stamp:
        """The stamp of the frame in which the plate was read."""
        return self.detection.frame.stamp

    @property
    def frame(self) -> Frame:
        """The frame in which the plate was found; the plate alone after `detached`."""
        return self.detection.frame

    def detached(self) -> PlateRead:
        """The same with the frame cut down to the plate: what a node keeps that holds reads for a while."""
        return dataclasses.replace(self, detection=self.detection.detached())

    def record(self) -> dict[str, Any]:  # Any: the values that JSON has
        """Everything but the pictures."""
        found = self.detection.record()
        return {
            "type": type(self).__name__,
            "id": self.id,
            **_when(self),
            "file": self.frame.source,
            "text": self.text,
            "confidence": round(self.confidence, 4),
            "country": self.country,
            "raw": self.raw,
            "repairs": list(self.repairs),
            "box": found["box"],
            "corners": found["corners"],
            "detection_confidence": found["confidence"],
            "track": found["track"],
            "listed": [each.record() for each in self.listed],
        }

    def __repr__(self) -> str:
        return f"{type(self).__name__}({masked(self.text)!r}, {self.confidence:.2f}, camera={self.stamp.camera!r})"


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Passage(PlateRead):
    """One car's passage and the one plate it bore, from all its reads; given by `vote`.

    Its detection, and so its frame and its time, are those of the decisive read. Where no plate could be told, `text`
    is empty, and the detection is the one in which it was best to be seen.
    """

    reason: str = "read"
    """`read`, or why not: `too small`, `blurred`, `low confidence`, `format`, `left the zone` or `overload`."""
    stage: str = "final"
    """`preview` before all is decided, `final`, or `gone` with the whole account after the car has left."""
    first: datetime
    """When it was first seen (UTC, aware)."""
    last: datetime
    """When it was last seen so far (UTC, aware)."""
    seen: int
    """In how many frames so far."""
    reads: int
    """How many of these gave a text."""
    direction: str | None = None
    """`in` or `out` across a line, else `towards` or `away` from the camera, `left` or `right`; None if it stood."""
    readings: tuple[tuple[str, int], ...] = ()
    """What was read, as it was read, and how often, the weightiest first."""
    sharp: datetime | None = None
    """When it could first be read: large and sharp enough (UTC, aware); None if never. Delays count from here."""

    def record(self) -> dict[str, Any]:  # Any: the values that JSON has
        """Everything but the pictures."""
        return {
            **PlateRead.record(self),
            "reason": self.reason,
            "stage": self.stage,
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "seen": self.seen,
            "reads": self.reads,
            "direction": self.direction,
            "readings": [list(each) for each in self.readings],
            "sharp": self.sharp.isoformat() if self.sharp else None,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Fault(Message):
    """A node failed on a message; given to the node that `on_error` names, else to the dead-letter file.

    A source that can go on after an error (the next picture of a folder) yields a Fault in place of a message.
    """

    error: str
    """Kind and text of the error, one line, without personal data."""
    message: Message | None = None
    """What the node was given, if anything."""
    node: str = ""
    """The failing node's name in the flow; the engine fills it in."""
    source: str = ""
    """The file at fault, without folders, if it was a file."""
    trace: str = ""
    """Where in the code it happened, for the author of the node."""

    @property
    def stamp(self) -> Stamp | None:
        """The stamp of the message at fault, if it has one."""
        return stamp_of(self.message) if self.message else None

    def record(self) -> dict[str, Any]:  # Any: the values that JSON has
        """Node, error, file and the record of the message at fault."""
        about = self.message.record() if self.message else None
        return {
            "type": "Fault",
            "node": self.node,
            "error": self.error,
            "file": self.source,
            "message": about,
        }


def stamp_of(message: Message) -> Stamp | None:
    """A message's stamp, or None where a third party's message has none."""
    stamp = getattr(message, "stamp", None)
    return stamp if isinstance(stamp, Stamp) else None


def masked(text: str) -> str:
    """A plate text for logs and shoulders: the first two characters, the rest hidden."""
    return text[:2] + "•" * max(0, len(text) - 2)


def _when(message: Message) -> dict[str, Any]:  # Any: the values that JSON has
    stamp = stamp_of(message)
    if stamp is None:
        return {}
    return {"time": stamp.time.isoformat(), "camera": stamp.camera, "frame": stamp.number}


def _grown(box: Box, margin: float) -> Box:
    grow = margin * box.height
    return Box(box.left - grow, box.top - grow, box.right + grow, box.bottom + grow)
