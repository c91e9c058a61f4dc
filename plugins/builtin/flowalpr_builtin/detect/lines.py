"""Lines of text in a picture that have the shape of a plate or of one row of it.

The network gives, for each pixel, how likely it is in the core of a text line (differentiable binarisation,
Liao et al., arXiv:1911.08947); the core is grown back to the line. Points are x and y in pixels of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot

import cv2
import numpy as np
from numpy.typing import NDArray

from flowalpr.vision.geometry import widen
from flowalpr.vision.image import Picture, canvas_size, letterbox, normalise
from flowalpr.vision.onnx import OnnxSession
from flowalpr_builtin.ocr.rapidocr_models import INPUT, model_file

Floats = NDArray[np.float32]

CORE = 0.3
"""Pixels at least this likely belong to the core of a line; rapidocr's own setting."""
GROWTH = 1.6
"""A core is grown by its area times this over its girth on each side; rapidocr's own setting."""
ALONG, ACROSS = 0.3, -0.04
"""What a line is given beyond its grown core on each side, in heights of the line.

Else the reader misses first characters: plates read right on the world, US and BR validation sets (O = 0, I = 1)
were 79, 77 and 97 % without it and are 84, 86 and 98 % with it.
"""
MOST = 100
"""Lines of one picture that are looked at, the likeliest: a picture of a page of text must not stop a flow."""
SLOPE = 40.0
"""Degrees that a line may lean either way."""
NARROWEST, WIDEST = 1.2, 12.0
"""Width over height of what may be a plate: two rows of a motorcycle to one row of ten spaced characters."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A line of text, or two stacked ones."""

    corners: Floats
    """float32, (4, 2), clockwise from left top."""
    confidence: float
    """Mean likelihood inside the core, 0..1."""

    @property
    def width(self) -> float:
        """Pixels along the text."""
        return float(hypot(*(self.corners[1] - self.corners[0])))

    @property
    def height(self) -> float:
        """Pixels across the text."""
        return float(hypot(*(self.corners[3] - self.corners[0])))

    @property
    def slope(self) -> float:
        """Degrees that the text goes down to its right."""
        x, y = self.corners[1] - self.corners[0]
        return float(np.degrees(np.arctan2(y, x)))


class LineFinder:
    """Finds lines in pictures, their longer side shrunk to `longest` pixels first."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._session = OnnxSession(model_file("PP-OCRv6_det_small.onnx"))

    def find(self, image: Picture) -> list[Line]:
        """What may be plates in uint8, (height, width, 3), BGR."""
        fitted = letterbox(image, *canvas_size(image.shape[0], image.shape[1], self._longest))
        (likely,) = self._session.run(normalise([fitted.image], INPUT))
        lines = joined(without_captions(_lines(likely[0, 0], fitted.scale)))
        return [line for line in lines if NARROWEST * line.height <= line.width <= WIDEST * line.height]


def without_captions(lines: list[Line]) -> list[Line]:
    """The same without the small print above and below a plate's number: a state, a city, a car dealer."""
    return [line for line in lines if not any(_is_caption(line, other) for other in lines)]


def joined(lines: list[Line]) -> list[Line]:
    """The same with the two rows of each square plate as one."""
    rows = sorted(lines, key=lambda line: float(line.corners[:, 1].mean()))
    result: list[Line] = []
    while rows:
        upper = rows.pop(0)
        lower = next((line for line in rows if _stacked(upper, line)), None)
        if lower is not None:
            rows.remove(lower)
            corners = _upright(np.concatenate([upper.corners, lower.corners]), 0.0)
            upper = Line(corners, min(upper.confidence, lower.confidence))
        result.append(upper)
    return result


def _lines(likely: Floats, scale: float) -> list[Line]:
    """The likeliest lines in a map of likelihoods, float32, (rows, columns), 0..1, in pixels of the map / `scale`."""
    core = (likely > CORE).astype(np.uint8)
    contours, _ = cv2.findContours(core, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    lines = []
    for contour in contours:
        x, y, width, height = cv2.boundingRect(contour)
        if width < 6 or height < 2:  # Less is a speck: no four characters have room in it.
            continue
        patch = (slice(y, y + height), slice(x, x + width))
        confidence = float(likely[patch][core[patch] > 0].mean())
        corners = _upright(contour.reshape(-1, 2).astype(np.float32), GROWTH) / scale
        line = Line(_reaching(corners), confidence)
        if abs(line.slope) <= SLOPE:
            lines.append(line)
    return sorted(lines, key=lambda line: -line.confidence)[:MOST]


def _reaching(corners: Floats) -> Floats:
    """The corners moved so that the reader reads best."""
    text = Line(corners, 0.0)
    return widen(corners, ALONG * text.height / max(text.width, 1.0), ACROSS)


def _upright(points: Floats, growth: float) -> Floats:
    """The smallest turned rectangle around points, grown on each side, clockwise from the left top as text runs."""
    centre, (width, height), angle = cv2.minAreaRect(points)
    if growth:  # The points are then centres of pixels, which reach half a pixel further.
        width, height = width + 1, height + 1
        centre = (centre[0] + 0.5, centre[1] + 0.5)
        further = growth * width * height / (2 * (width + height))
        width, height = width + 2 * further, height + 2 * further
    while not -45 < angle <= 45:
        angle += -90 if angle > 45 else 90
        width, height = height, width
    turn = np.radians(angle)
    along = np.array([np.cos(turn), np.sin(turn)]) * width / 2
    across = np.array([-np.sin(turn), np.cos(turn)]) * height / 2
    corners = np.array([-along - across, along - across, along + across, across - along]) + centre
    return np.asarray(corners, dtype=np.float32)


def _is_caption(small: Line, large: Line) -> bool:
    """Whether a line stands close above or below a clearly taller one and does not reach beyond it."""
    if large.height < 1.7 * small.height or large.width < 0.8 * small.width:
        return False
    shared, distance = _shared_and_distance(large, small)
    return shared >= 0.7 * small.width and abs(distance) <= 0.5 * large.height + 1.5 * small.height


def _shared_and_distance(one: Line, other: Line) -> tuple[float, float]:
    """Pixels that two lines have in common along the first, and from its middle across to that of the other."""
    along = (one.corners[1] - one.corners[0]) / one.width
    across = np.array([-along[1], along[0]])
    first, second = one.corners @ along, other.corners @ along
    shared = min(first.max(), second.max()) - max(first.min(), second.min())
    return float(shared), float((other.corners.mean(axis=0) - one.corners.mean(axis=0)) @ across)


def _stacked(upper: Line, lower: Line) -> bool:
    """Whether two lines look like the rows of one plate: alike in height, width and slope, one close below the other.

    A state's name over a number, or an advertisement under it, is lower than half of the number or far longer.
    """
    heights = sorted((upper.height, lower.height))
    widths = sorted((upper.width, lower.width))
    if heights[1] > 1.7 * heights[0] or widths[1] > 2.2 * widths[0] or abs(upper.slope - lower.slope) > 12:
        return False
    if widths[1] > 4.6 * heights[0]:  # Five characters are the most in a row of two.
        return False
    shared, distance = _shared_and_distance(upper, lower)
    return shared >= 0.7 * widths[0] and 0.6 * heights[0] <= distance <= 1.4 * heights[1]
