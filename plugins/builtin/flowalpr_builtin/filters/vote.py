"""The node `vote`: one read a passage, from all the reads of its track."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PrivateAttr

from flowalpr import END_OF_TIME, Duration, Fraction, Passage, PlateRead
from flowalpr_builtin.filters.format import FormatNode

if TYPE_CHECKING:
    from flowalpr_builtin.filters.visit import Visit
    from flowalpr_builtin.filters.visits import Visits

Stage = Literal["preview", "final", "gone"]
Point = tuple[float, float]

BLURRED = 0.35
"""`visit.clarity` below which a plate is blurred."""
LEAST_SEEN = 2
"""A plate seen in fewer frames and not read was none."""
FEW_SEEN = 5
"""In so many frames a plate can be read; one seen in fewer where frames are dropped fell to overload."""


class Vote(FormatNode):
    """Make one passage of all reads of a car, each character by the weight of all; or say why there is no plate.

    Put `track` before the reader and this behind it. Reads of a sharp, whole plate weigh more than others; texts of
    different lengths are aligned; then the formats of the wanted countries put look-alikes right. The decisive read
    gives the passage its frame and its time. Without `track`, reads whose texts look alike are one passage.

    A passage is `final`, once and for ever, as soon as it is sure: `enough` reads say what all reads together say, and
    it is not half a plate, as a text below 5 characters may be until the car has come nearer; or the car stands, and
    no better read is to be expected; or it is gone. One without a plate ends with a reason:
    `too small`, `blurred`, `overload` (frames were dropped), `left the zone`, `format` or `low confidence`. The summary
    of the run counts them all. A plate seen again within `again` is no new passage.

    At most 64 cars are followed for each camera, and whole frames are kept of 8. A car is forgotten when it is gone.
    """

    keep: Literal["all", "matching"] = "all"
    """Which texts are plates: `all`, or only those `matching` a wanted country's format, if need be after repair."""
    give: tuple[Stage, ...] = ("final",)
    """What is given of each passage: a `preview` at the first read that is good enough, the `final` text (open the
    barrier on it), and the same once more when the car is `gone`, with its last time; all three bear one id."""
    unread: bool = False
    """Whether passages without a plate are given too, with an empty text and the reason."""
    at_least: Fraction = 0.5
    """Least confidence of a text; below it a passage ends as `low confidence`. With 0.5, 98 % of the texts told of
    drawn passages are right, as with 0.6, and fewer are missing."""
    alone: Fraction = 0.8
    """The same for a plate seen in one frame alone: what looks like a plate for a moment often is none. Lower it in a
    flow that takes a single picture of each car."""
    sure: Fraction = 0.9
    """Confidence from which a text may be final while its car is still there."""
    enough: Annotated[int, Field(ge=1, le=100)] = 3
    """How many reads must say the same for that; at most the `enough` of the reader before it."""
    patience: Duration = timedelta(seconds=2)
    """How long a car must stand for its text to be final though it is not sure."""
    gone: Duration = timedelta(seconds=2)
    """A car not seen for so long is gone; longer than the `memory` of `track`."""
    again: Duration = timedelta(seconds=30)
    """How long after it was seen last a plate still belongs to the same passage."""
    smallest: Annotated[float, Field(ge=0, le=1000)] = 10
    """Lowest height of a plate, in pixels of the camera's picture; reads of smaller ones do not count."""
    line: tuple[Point, Point] | None = None
    """A line across the way, as two points x, y, in pixels of the camera's picture or, if none is above 1, in shares of
    it. A car that crosses it from left to right, looking from the first point to the second, has the direction `in`,
    else `out`."""

    _cameras: dict[str, Visits] = PrivateAttr(default_factory=dict)

    def open(self) -> None:
        import flowalpr_builtin.filters.visits  # noqa: F401  # Its load time is not to delay the first read.

        super().open()

    def process(self, read: PlateRead) -> Iterator[Passage]:
        from flowalpr_builtin.filters.visits import MOST, Visits

        camera = self._cameras.get(read.stamp.camera) or self._cameras.setdefault(read.stamp.camera, Visits())
        visit = camera.of(read)
        if visit is None:
            return
        visit.see(read, self._line_in(read))
        if visit.told:
            camera.follow(visit)
        else:
            visit.weigh(read, self.smallest, BLURRED)
            yield from self._early(camera, visit)
        if len(camera.open) > MOST:
            yield from self._end(camera, camera.open[0])
        camera.save_memory()

    def due(self, now: datetime) -> Iterator[Passage]:
        for camera in self._cameras.values():
            for visit in list(camera.open):
                # Silence is measured on this clock alone: a camera's own may be hours off.
                visit.heard = now if visit.heard is None else min(visit.heard, now)
                if now == END_OF_TIME or now - visit.heard >= self.gone:
                    yield from self._end(camera, visit)

    def _early(self, camera: Visits, visit: Visit) -> Iterator[Passage]:
        """The preview and the final text, if it is time for them."""
        fused = visit.fused()
        agrees = visit.fusion.count(fused.text) >= self.enough
        is_sure = fused.confidence >= self.sure and agrees and visit.is_whole()
        is_final = is_sure or visit.stood() >= self.patience
        is_preview = "preview" in self.give and not visit.is_previewed
        if fused.confidence < self._wanted(visit) or not (is_final or is_preview):
            return
        passage = self._passage(camera, visit)
        if passage.reason == "read" and is_final:
            yield from self._decided(camera, visit, passage)
        elif passage.reason == "read" and not camera.known(visit, passage.text, self.again):
            visit.is_previewed = True
            yield replace(passage, stage="preview")

    def _decided(self, camera: Visits, visit: Visit, passage: Passage) -> Iterator[Passage]:
        """The final text, unless it is that of a passage that was told already."""
        visit.told = camera.known(visit, passage.text, self.again) if passage.text else ""
        if visit.told:
            self.tally("seen again")
            camera.follow(visit)
        else:
            visit.told = visit.id
            self.tally(passage.reason)
            if passage.text:
                camera.tell(visit, passage.text)
            if "gone" in self.give and (passage.text or self.unread):
                visit.passage = passage
            if "final" in self.give and (passage.text or self.unread):
                yield passage
        visit.forget()

    def _end(self, camera: Visits, visit: Visit) -> Iterator[Passage]:
        """What is left to be told of a car that is gone."""
        camera.end(visit)
        if not visit.told and (visit.reads or visit.seen >= LEAST_SEEN):
            yield from self._decided(camera, visit, self._passage(camera, visit))
        if visit.passage is not None:
            yield replace(visit.passage, stage="gone", last=visit.last, seen=visit.seen, direction=visit.direction())

    def _passage(self, camera: Visits, visit: Visit) -> Passage:
        """What is known of a car by now."""
        fused, decisive = visit.fused(), visit.evidence()
        repaired = self._formats.repair(fused.text, fused.said)
        reason = self._reason(visit, repaired.fits, camera.drops_frames)
        is_read = reason == "read"
        return Passage(
            text=repaired.text if is_read else "",
            confidence=fused.confidence if is_read else 0.0,
            detection=decisive.detection,
            confidences=fused.confidences if is_read else (),
            country=repaired.format.country if repaired.format else decisive.country,
            raw=fused.text if is_read else "",
            repairs=tuple(map(str, repaired.changes)) if is_read else (),
            id=visit.id,
            reason=reason,
            first=visit.first,
            last=visit.last,
            seen=visit.seen,
            reads=visit.reads,
            direction=visit.direction(),
            readings=tuple(visit.fusion.texts()),
            sharp=visit.sharp,
        )

    def _reason(self, visit: Visit, fits: bool, drops_frames: bool) -> str:
        """`read`, or the likeliest of the reasons for which there is no plate."""
        if visit.fused().text and visit.fused().confidence >= self._wanted(visit):
            return "format" if self.keep == "matching" and not fits else "read"
        if visit.highest < self.smallest:
            return "too small"
        if visit.clearest < BLURRED:
            return "blurred"
        if visit.seen < FEW_SEEN and drops_frames:
            return "overload"
        return "left the zone" if visit.at_edge and not visit.reads else "low confidence"

    def _wanted(self, visit: Visit) -> float:
        """The least confidence of its text."""
        return self.at_least if visit.seen > 1 else max(self.at_least, self.alone)

    def tallies(self) -> dict[str, int]:
        return {"read": 0} | super().tallies()  # So that the summary speaks of passages though none was read.

    def _line_in(self, read: PlateRead) -> tuple[Point, Point] | None:
        """The line in pixels of the camera's picture."""
        if self.line is None or max(map(max, self.line)) > 1:
            return self.line
        width, height = read.frame.size
        first, second = ((x * width, y * height) for x, y in self.line)
        return first, second
