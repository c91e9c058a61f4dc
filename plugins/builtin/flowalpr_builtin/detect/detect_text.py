"""Finds lines of text that may be plates, with the text detector in rapidocr's wheel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from flowalpr import Box, Detection, Detections, Fraction, Frame, Node

if TYPE_CHECKING:
    from flowalpr_builtin.detect.lines import LineFinder


class DetectText(Node):
    """Find lines of text that may be licence plates: PP-OCRv6's text detector, in rapidocr's wheel, no training needed.

    It finds every text of a plate's shape, so what it gives needs reading (`ocr_rapid`) and a filter (`confident`,
    `format`). The two rows of a square plate are given as one. On one core a picture shrunk to 736 pixels takes
    about 60 ms, to 960 pixels 100 ms.
    """

    heavy: ClassVar[bool] = True

    longest: Annotated[int, Field(ge=160, le=4096)] = 960
    """The picture's longer side is shrunk to this many pixels first: fewer is faster, more finds smaller plates."""
    at_least: Fraction = 0.5
    """Lowest confidence of a line that is passed on."""
    smallest: Annotated[int, Field(ge=4, le=1000)] = 8
    """Lowest height of a line, in pixels of the camera's picture; smaller text cannot be read."""

    _finder: LineFinder

    def open(self) -> None:
        from flowalpr_builtin.detect.lines import LineFinder

        self._finder = LineFinder(self.longest)

    def process(self, frame: Frame) -> Detections:
        import numpy as np

        x, y = frame.offset
        found = []
        for line in self._finder.find(frame.image):
            if line.confidence >= self.at_least and line.height >= self.smallest:
                corners = line.corners + np.array([x, y])
                box = Box(*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist())
                found.append(Detection(frame, box, line.confidence, corners.astype("float32")))
        return Detections(frame, tuple(found))
