"""The same picture from another place: from aside, or from twice as far; its labels move with it."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from flowalpr.lab.datasets.sample import Corners, Plate, Sample
from flowalpr.vision.image import PADDING, Picture

ASIDE = math.radians(35)
"""As a camera on the kerb sees a car that passes."""
FOCAL = 1.2
"""Distance of the picture's plane in picture widths: that of a lens of 45 degrees."""


def turned(image: Picture, sample: Sample, number: int) -> tuple[Picture, Sample]:
    """The picture as if its scene were turned by 35 degrees, every other one the other way."""
    height, width = image.shape[:2]
    angle = ASIDE if number % 2 else -ASIDE
    lens = np.array([[FOCAL * width, 0, width / 2], [0, FOCAL * width, height / 2], [0, 0, 1]])
    around = np.array(
        [[math.cos(angle), 0, math.sin(angle)], [0, 1, 0], [-math.sin(angle), 0, math.cos(angle)]], np.float64
    )
    # A flat scene at a distance of 1 turns about the vertical through its own middle.
    flat = np.stack([around[:, 0], around[:, 1], np.array([0.0, 0.0, 1.0])], axis=1)
    turn = lens @ flat @ np.linalg.inv(lens @ np.eye(3))
    seen = cv2.warpPerspective(image, turn, (width, height), flags=cv2.INTER_AREA, borderValue=(PADDING,) * 3)
    return np.asarray(seen, np.uint8), _moved(sample, turn, (height, width))


def farther(image: Picture, sample: Sample, _: int) -> tuple[Picture, Sample]:
    """The picture with half as many pixels a side, as from twice the distance."""
    height, width = max(1, image.shape[0] // 2), max(1, image.shape[1] // 2)
    seen = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    scale = np.diag([width / image.shape[1], height / image.shape[0], 1.0])
    return np.asarray(seen, np.uint8), _moved(sample, scale, (height, width))


def _moved(sample: Sample, turn: NDArray[np.float64], shape: tuple[int, int]) -> Sample:
    plates, unlabelled = (tuple(_plate(each, turn) for each in some) for some in (sample.plates, sample.unlabelled))
    size = {"height": shape[0], "width": shape[1]}
    return sample.model_copy(update={"plates": plates, "unlabelled": unlabelled, **size})


def _plate(plate: Plate, turn: NDArray[np.float64]) -> Plate:
    """The label after the turn; without labelled corners those of the box are taken, which a turned box needs."""
    if plate.bounds is None:
        return plate
    left, top, right, bottom = plate.bounds
    box: Corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    points = cv2.perspectiveTransform(np.array([plate.corners or box], np.float64), turn)[0]
    low, high = points.min(axis=0), points.max(axis=0)
    first, second, third, fourth = ((float(x), float(y)) for x, y in points)
    bounds = (float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))
    return plate.model_copy(update={"box": bounds, "corners": (first, second, third, fourth)})
