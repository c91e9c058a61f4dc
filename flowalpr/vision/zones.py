"""Draws what nodes look at onto a picture: zones, crops and lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

GREEN, RED, YELLOW, WHITE = (80, 220, 60), (60, 60, 230), (40, 220, 250), (245, 245, 245)
"""Inside, outside, line, scale; BGR."""


def shapes_of(node: object) -> Iterator[tuple[str, tuple[tuple[float, float], ...]]]:
    """What a node looks at: `inside`, `outside` or `line`, and its points."""
    for kind in ("inside", "outside"):
        for polygon in getattr(node, kind, ()):
            yield kind, polygon
    line = getattr(node, "line", None)
    if isinstance(line, tuple):  # Nodes that draw nothing may have a method of that name.
        yield "line", line


class ZoneDrawing:
    """A picture with what several nodes look at; all that is dark is made so before the first is drawn."""

    def __init__(self, image: NDArray[np.uint8]) -> None:
        """Draws on a copy of uint8, (height, width, 3), BGR."""
        self._image: NDArray[np.uint8] = image.copy()
        self._height, self._width = image.shape[:2]
        self._unit = max(1, round(min(image.shape[:2]) / 400))
        self._labels: list[tuple[int, int, int, int]] = []

    def shade(self, node: object) -> None:
        """Make dark what one node does not look at."""
        shapes = [(kind, self._pixels(points)) for kind, points in shapes_of(node)]
        looked = np.full(
            (self._height, self._width), 0 if any(kind == "inside" for kind, _ in shapes) else 255, np.uint8
        )
        for kind, points in shapes:
            if kind != "line":
                cv2.fillPoly(looked, [points], 255 if kind == "inside" else 0)
        self._image[looked == 0] //= 3

    def add(self, name: str, node: object) -> None:
        """Draw the edges and lines of one node, with its name."""
        for kind, points in ((kind, self._pixels(points)) for kind, points in shapes_of(node)):
            colour = {"inside": GREEN, "outside": RED, "line": YELLOW}[kind]
            cv2.polylines(self._image, [points], kind != "line", colour, 2 * self._unit, cv2.LINE_AA)
            if kind == "line":
                self._arrow(points)
            self._label(name if kind == "inside" else f"{name}: {kind}", points, colour)

    def image(self) -> NDArray[np.uint8]:
        """The picture as it is by now, uint8, (height, width, 3), BGR."""
        return self._image

    def finished(self) -> NDArray[np.uint8]:
        """The picture with a scale at its edges."""
        for tenth in range(1, 10):
            x, y = self._width * tenth // 10, self._height * tenth // 10
            cv2.line(self._image, (x, 0), (x, 6 * self._unit), WHITE, self._unit)
            cv2.line(self._image, (0, y), (6 * self._unit, y), WHITE, self._unit)
            self._text(f".{tenth}", (x - 6 * self._unit, 20 * self._unit), WHITE, 0.35)
            self._text(f".{tenth}", (9 * self._unit, y + 4 * self._unit), WHITE, 0.35)

        return self._image

    def _pixels(self, points: Any) -> NDArray[np.int32]:  # Any: a setting of a plugin's node
        values = np.array(points, np.float64)
        pixels = values if values.max() > 1 else values * (self._width, self._height)
        return np.asarray(np.round(pixels), np.int32)

    def _arrow(self, points: NDArray[np.int32]) -> None:
        """From the middle of a line to its right, looking from its first point to its second."""
        along = (points[1] - points[0]).astype(np.float64)
        across = np.array([-along[1], along[0]]) / max(float(np.hypot(*along)), 1.0)
        start = points.mean(axis=0)
        tip = start + across * 40 * self._unit
        first, second = ((round(float(x)), round(float(y))) for x, y in (start, tip))
        cv2.arrowedLine(self._image, first, second, YELLOW, 2 * self._unit, cv2.LINE_AA, tipLength=0.3)
        self._text("in", (second[0] + 4 * self._unit, second[1]), YELLOW, 0.5)

    def _label(self, text: str, points: NDArray[np.int32], colour: tuple[int, int, int]) -> None:
        """A text at the topmost point of a shape, within the picture and below those that are there."""
        x, y = min(points.tolist(), key=lambda point: (point[1], point[0]))
        (width, height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.5 * self._unit, 3 * self._unit)
        x = max(min(x + 8 * self._unit, self._width - width - 6 * self._unit), 30 * self._unit)
        y = max(y + 18 * self._unit, 40 * self._unit)
        while any(
            left < x + width and x < right and top < y + below and y - height < bottom
            for left, top, right, bottom in self._labels
        ):
            y += height + below
        y = min(y, self._height - 6 * self._unit)
        self._labels.append((x, y - height, x + width, y + below))
        self._text(text, (x, y), colour, 0.5)

    def _text(self, text: str, at: tuple[int, int], colour: tuple[int, int, int], size: float) -> None:
        shown = text.encode("ascii", "replace").decode()  # All that OpenCV's own font has.
        for ink, thickness in (((0, 0, 0), 3), (colour, 1)):
            cv2.putText(
                self._image,
                shown,
                at,
                cv2.FONT_HERSHEY_SIMPLEX,
                size * self._unit,
                ink,
                thickness * self._unit,
                cv2.LINE_AA,
            )
