"""One car in front of one camera: what is remembered of it from its first frame to its last."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from math import inf

import numpy as np

from flowalpr import Box, Passage, PlateRead
from flowalpr.plates import SHORTEST, Fused, Fusion, distance
from flowalpr_builtin.detect.standing import stands

Point = tuple[float, float]

MOST_BEST = 3
"""Texts of which the best read is kept with its frame; the one with the lowest score is let go."""
CLEAR = 2.0
"""A plate whose strokes are resolved so well is as good to read as any; see `clarity`."""
CUT_OFF = 0.2
"""What a read of a plate at the picture's edge counts, compared with others: a part of it may be missing."""
LEAST_SURE = 0.05
"""A read counts by the square of its confidence, at least of this: of 200 drawn passages of all the world's plates
(`benchmarks/passages.py`, seed 2) 159 were then fused right, else 152; by the surest read alone 149."""
NEARER = 1.3
"""A plate that has become so many times as high has come nearer."""
ALONG = 1.5
"""A plate that moved by so many of its widths has gone aside."""


class Visit:
    """One car. Its size is bounded: the sums of all reads, and at most four frames."""

    def __init__(self, read: PlateRead) -> None:
        self.id = identity(read)
        self.camera = read.stamp.camera
        self.track = read.detection.track
        self.first = self.last = read.stamp.time
        self.heard: datetime | None = None
        """When it was heard of last on the clock of `Node.due`; None until that clock is known."""
        self.seen = self.reads = 0
        self.highest = self.clearest = 0.0
        self._lowest = inf
        self.sharp: datetime | None = None
        """When it could first be read."""
        self.at_edge = False
        self.fusion = Fusion()
        self.box = read.detection.box
        self.first_box = self._anchor = read.detection.box
        self._moved = read.stamp.time
        self.number = read.stamp.number
        """Of its latest frame."""
        self._crossed = 0
        self.told = ""
        """The id of the visit that told its plate: its own or, if it is the rest of one, that one's."""
        self.is_previewed = False
        self.passage: Passage | None = None
        """What was told, kept for the account at the end."""
        self._best: dict[str, tuple[float, PlateRead]] = {}
        self._sight: tuple[float, PlateRead] = (-1.0, read)
        self._is_whole = True
        self._fused: Fused | None = Fused("", (), (), 0.0)

    def see(self, read: PlateRead, line: tuple[Point, Point] | None) -> None:
        """Learn of one more frame in which it was seen."""
        before, self.box = self.box, read.detection.box
        self.seen += 1
        self.number = read.stamp.number
        self.last = max(self.last, read.stamp.time)
        self.heard = None
        self.at_edge = is_at_edge(read)
        if line is not None:
            self._crossed += crossing(line, _middle(before), _middle(self.box))
        if not stands(self._anchor, self.box):
            self._anchor, self._moved = self.box, read.stamp.time

    def weigh(self, read: PlateRead, smallest: float, blurred: float) -> None:
        """Let a read count for the text, unless the plate is lower than `smallest` pixels."""
        clear, height = clarity(read), read.detection.sharpest().box.height
        self.highest, self.clearest = max(self.highest, height), max(self.clearest, clear)
        if self.sharp is None and height >= smallest and clear >= blurred:
            self.sharp = read.stamp.time
        weight = min(max(clear / CLEAR, 0.05), 1.0) * (CUT_OFF if self.at_edge else 1.0)
        if weight * height > self._sight[0]:
            self._sight, self._is_whole = (weight * height, read), True
        if not read.text or height < smallest:
            return
        self.reads += 1
        self._lowest = min(self._lowest, height)
        known = len(read.confidences) == len(read.text)
        sure = read.confidences if known else (read.confidence ** (1 / len(read.text)),) * len(read.text)
        self.fusion.add(read.text, sure, weight * max(read.confidence, LEAST_SURE) ** 2)
        self._fused = None
        score = weight * read.confidence
        if score > self._best.get(read.text, (-1.0,))[0]:
            self._best[read.text], self._is_whole = (score, read), True
        if len(self._best) > MOST_BEST:
            del self._best[min(self._best, key=lambda each: self._best[each][0])]

    def fused(self) -> Fused:
        """What all reads say together."""
        if self._fused is None:
            self._fused = self.fusion.fused()
        return self._fused

    def is_whole(self) -> bool:
        """Whether its text is likely to be all of the plate: a short one may be half of it, until it has come nearer.

        A text that other reads say with more before or behind it may be half a plate at any length.
        """
        text = self.fused().text
        is_near = self.highest >= NEARER * self._lowest
        return (len(text) >= SHORTEST or is_near) and not self.fusion.is_part(text)

    def evidence(self) -> PlateRead:
        """The decisive read: the best of those that say the fused text or the nearest to it; else the best sight."""
        if not self._best:
            return self._sight[1]
        text = self.fused().text
        return min(self._best.values(), key=lambda each: (distance(each[1].text, text), -each[0]))[1]

    def let_go(self) -> None:
        """Free whole frames and keep the plates."""
        if self._is_whole:
            self._best = {text: (score, read.detached()) for text, (score, read) in self._best.items()}
            self._sight = (self._sight[0], self._sight[1].detached())
            self._is_whole = False

    def forget(self) -> None:
        """Free all that is needed no more once the text is told."""
        self._sight = (0.0, self._sight[1].detached())
        self._best, self.fusion = {}, Fusion()

    def stood(self) -> timedelta:
        """How long it has stood."""
        return self.last - self._moved

    def direction(self) -> str | None:
        """Where it went: across the line if there is one and it did, else as its size and place tell."""
        if self._crossed:
            return "in" if self._crossed > 0 else "out"
        first, last = self.first_box, self.box
        if last.height >= NEARER * first.height:
            return "towards"
        if first.height >= NEARER * last.height:
            return "away"
        aside = _middle(last)[0] - _middle(first)[0]
        if abs(aside) >= ALONG * max(first.width, last.width):
            return "right" if aside > 0 else "left"
        return None


def identity(read: PlateRead) -> str:
    """The id of the visit that begins with a read: of a recording, the same whenever it is run.

    So a run of a recording that was killed and is begun anew is told and stored once.
    """
    frame = read.frame
    if not frame.source:
        return read.id
    box = [round(each) for each in read.detection.box]
    sight = f"{frame.source} {read.stamp.camera} {read.stamp.time.isoformat()} {read.stamp.number} {box}"
    return uuid.uuid5(uuid.NAMESPACE_OID, sight).hex


def clarity(read: PlateRead) -> float:
    """How well a plate's strokes are resolved: the slope of its steepest edges times the width of a stroke.

    The slope is a share of its contrast a pixel; a stroke is an eighth of the height (75 mm of 11 on European plates).
    Below 1 a stroke no longer reaches full contrast.
    """
    grey = read.detection.crop()[..., 1].astype(np.float32)
    height, width = grey.shape
    if height < 3 or width < 6:
        return 0.0
    dark, bright = np.percentile(grey, (5, 95))
    if bright - dark < 8:  # Levels; less is the noise of a camera.
        return 0.0
    steep = float(np.percentile(np.abs(np.diff(grey, axis=1)), 98))
    return float(steep / (bright - dark) * height / 8)


def is_at_edge(read: PlateRead) -> bool:
    """Whether a plate touches the edge of its frame, so that a part of it may be missing."""
    (x, y), frame, box = read.frame.offset, read.frame, read.detection.box
    inside = x + 1 < box.left and y + 1 < box.top
    return not (inside and box.right < x + frame.width - 1 and box.bottom < y + frame.height - 1)


def crossing(line: tuple[Point, Point], before: Point, now: Point) -> int:
    """1 if a step crosses the line from its left to its right, looking from its first point to its second; -1 back."""
    start, end = line
    side_before, side_now = _side(start, end, before), _side(start, end, now)
    if (side_before > 0) == (side_now > 0) or (_side(before, now, start) > 0) == (_side(before, now, end) > 0):
        return 0
    return 1 if side_now > 0 else -1


def _side(start: Point, end: Point, point: Point) -> float:
    """Positive to the right of the way from start to end, in a picture, where y grows downwards."""
    return (end[0] - start[0]) * (point[1] - start[1]) - (end[1] - start[1]) * (point[0] - start[0])


def _middle(box: Box) -> Point:
    return (box.left + box.right) / 2, (box.top + box.bottom) / 2
