"""Cuts what was found out of its frame, upright and row by row, and has it read."""

from __future__ import annotations

from math import hypot

import cv2
import numpy as np

from flowalpr import Detection
from flowalpr.vision.geometry import corners_of, widen
from flowalpr.vision.image import Picture, rectify
from flowalpr_builtin.ocr.rows import Row, RowReader

SQUARE = 2.5
"""A plate less wide than this many times its height may have two rows."""


class CropReader:
    """Reads plates in the frames in which they were found."""

    def __init__(self) -> None:
        self._rows = RowReader()

    def read(self, found: tuple[Detection, ...]) -> list[Row]:
        """What each plate of a frame says; the rows of two-row plates one after the other."""
        pieces: list[Picture] = []
        shares: list[int] = []
        for detection in found:
            plate = cut(detection)
            parts = [plate]
            if plate.shape[1] < SQUARE * plate.shape[0] and plate.shape[0] >= 12:
                parts += rows_of(plate)
            pieces += parts
            shares.append(len(parts))
        rows = iter(self._rows.read(pieces))
        return [_better([next(rows) for _ in range(share)]) for share in shares]


def cut(detection: Detection, along: float = 0.0, across: float = 0.0) -> Picture:
    """The plate as if seen from straight ahead, at the size that it has in the camera's sharpest picture of it.

    `along` and `across` are the shares of its width and height that are left around it on each side.
    """
    detection = detection.sharpest()
    corners = detection.corners
    if corners is None:
        corners = corners_of(np.array([detection.box], np.float32))[0]
    corners = widen((corners - detection.frame.offset).astype(np.float32), along, across)
    width = max(hypot(*(corners[1] - corners[0])), hypot(*(corners[2] - corners[3])))
    height = max(hypot(*(corners[3] - corners[0])), hypot(*(corners[2] - corners[1])))
    return rectify(detection.frame.image, corners, (max(4, round(width)), max(4, round(height))))


def rows_of(plate: Picture) -> list[Picture]:
    """The upper and the lower row of a plate, parted where its middle third has the fewest strokes."""
    grey = cv2.cvtColor(plate, cv2.COLOR_BGR2GRAY).astype(np.float32)
    height = grey.shape[0]
    strokes = np.abs(np.diff(grey, axis=1)).mean(axis=1)
    window = max(1, height // 12)
    strokes = np.convolve(strokes, np.ones(window) / window, mode="same")
    first = height // 3
    at = first + int(strokes[first : height - first].argmin())
    beyond = max(1, height // 25)
    return [plate[: at + beyond], plate[at - beyond :]]


def _better(rows: list[Row]) -> Row:
    """The whole plate read as one row, or its two rows put together, whichever the reader is surer of."""
    whole, *parts = rows
    if len(parts) != 2 or not all(part.text for part in parts):
        return whole
    both = parts[0] + parts[1]
    return both if _sureness(both) > _sureness(whole) else whole


def _sureness(row: Row) -> float:
    return sum(row.confidences) / len(row.confidences) if row.text else 0.0
