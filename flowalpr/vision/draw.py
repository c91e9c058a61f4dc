"""Draws what was found onto a copy of the picture, for people to look at."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from flowalpr.messages import Detection, Frame, PlateRead

GREEN = (80, 220, 60)
"""Of the line around a plate; BGR."""


def outlined(frame: Frame, detections: Iterable[Detection]) -> NDArray[np.uint8]:
    """A copy of the frame, uint8, (height, width, 3), BGR, with a line around each plate."""
    image: NDArray[np.uint8] = frame.image.copy()
    thickness = max(1, min(image.shape[:2]) // 300)
    for each in detections:
        points = np.round(_corners(each) - np.array(frame.offset)).astype(np.int32)
        cv2.polylines(image, [points.reshape(-1, 1, 2)], True, GREEN, thickness, cv2.LINE_AA)
    return image


def annotated(frame: Frame, reads: Iterable[PlateRead]) -> NDArray[np.uint8]:
    """The same with the text above each plate; what OpenCV's own font lacks (Chinese) is drawn as `?`."""
    reads = list(reads)
    image = outlined(frame, [read.detection for read in reads])
    for read in reads:
        _label(image, read, frame.offset)
    return image


def _label(image: NDArray[np.uint8], read: PlateRead, offset: tuple[int, int]) -> None:
    text = read.text.encode("ascii", "replace").decode()
    scale = min(max(read.detection.box.height / 40, 0.5), 2.0)
    thickness = max(1, round(scale * 2))
    (width, height), under = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)
    x = min(max(0, round(read.detection.box.left) - offset[0]), max(0, image.shape[1] - width))
    y = max(height + under, round(read.detection.box.top) - offset[1] - under - 2)
    cv2.rectangle(image, (x, y - height - under), (x + width, y + under), GREEN, -1)
    cv2.putText(image, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, scale, (0, 0, 0), thickness, cv2.LINE_AA)


def _corners(detection: Detection) -> NDArray[np.float32]:
    """Corners, float32, (4, 2), x and y; those of the box if the detector gave none."""
    if detection.corners is not None:
        return detection.corners
    left, top, right, bottom = detection.box
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
