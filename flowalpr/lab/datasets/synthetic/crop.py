"""Crops of plates as a detector delivers them: a little askew, a little too large or too small, on a car."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from flowalpr.lab.datasets.synthetic.degrade import degrade

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from flowalpr.lab.datasets.synthetic.plate import Drawer, Plate

    Picture = NDArray[np.uint8]


class Crop(NamedTuple):
    """A picture for the reader and its truth."""

    image: Picture
    """uint8, (height, width, 3), BGR."""
    text: str
    country: str | None
    rows: int | None
    """1, 2 or None if not known."""


def synthetic_crop(drawer: Drawer, margin: float, rng: np.random.Generator) -> Crop:
    """A drawn plate, seen by a camera and cut out with about `margin` of its size left around on each side."""
    plate = drawer.render_plate(rng)
    image = degrade(photograph(plate, margin, rng), rng)
    return Crop(image, plate.text, plate.country, plate.rows)


def photograph(plate: Plate, margin: float, rng: np.random.Generator) -> Picture:
    """The plate on a car in perspective, 12 to 70 pixels high in the mean."""
    height, width = plate.image.shape[:2]
    tall = float(np.exp(rng.uniform(np.log(13), np.log(62)))) * (1 if plate.rows == 1 else 1.6)
    wide = tall * width / height * float(rng.uniform(0.75, 1.1))  # seen from the side a plate is narrower
    size = (max(24, int(wide)), max(10, int(tall)))
    small = cv2.resize(plate.image, size, interpolation=cv2.INTER_AREA if size[1] < height else cv2.INTER_LINEAR)
    framed, inner = _framed(np.asarray(small, dtype=np.uint8), rng)
    corners = _askew(inner, rng)
    low, high = corners.min(0), corners.max(0)
    reach = high - low
    # A detector errs by a few hundredths of the plate's size on each side.
    low = low - reach * (margin + rng.normal(0, 0.035, 2))
    high = high + reach * (margin + rng.normal(0, 0.035, 2))
    out = np.maximum(np.ceil(high - low), 8).astype(int)
    target = (corners - low).astype(np.float32)
    turn = cv2.getPerspectiveTransform(inner, target)
    canvas = _car(int(out[1]), int(out[0]), rng)
    cv2.warpPerspective(framed, turn, (int(out[0]), int(out[1])), canvas, cv2.INTER_LINEAR, cv2.BORDER_TRANSPARENT)
    return canvas


def jittered(
    image: Picture, box: tuple[float, float, float, float], margin: float, rng: np.random.Generator
) -> Picture:
    """A real plate cut out anew as another detector would: `box` is left, top, width, height in pixels."""
    x, y, width, height = box
    reach = np.array([width, height])
    corners = np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], np.float32)
    corners += rng.normal(0, 0.02, (4, 2)) * (height, height)
    low = np.array([x, y]) - reach * (margin + rng.normal(0, 0.035, 2))
    high = np.array([x, y]) + reach + reach * (margin + rng.normal(0, 0.035, 2))
    out = np.maximum(np.ceil(high - low), 8).astype(int)
    straight = np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], np.float32)
    turn = cv2.getPerspectiveTransform(corners, (straight - low).astype(np.float32))
    shown = cv2.warpPerspective(image, turn, (int(out[0]), int(out[1])), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(shown, dtype=np.uint8)


def rectified(image: Picture, corners: NDArray[np.float32], margin: float, rng: np.random.Generator) -> Picture:
    """A real plate rectified by corners, (4, 2), that are a little off, with `margin` around."""
    top, left = corners[1] - corners[0], corners[3] - corners[0]
    wide, tall = float(np.linalg.norm(top)), float(np.linalg.norm(left))
    found = corners + rng.normal(0, 0.03, (4, 2)) * tall
    along, down = (margin + rng.normal(0, 0.02)) * top, (margin + rng.normal(0, 0.02)) * left
    found = found + np.stack([-along - down, along - down, along + down, -along + down])
    size = (max(8, int(wide * (1 + 2 * margin))), max(8, int(tall * (1 + 2 * margin))))
    target = np.array([[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]], np.float32)
    turn = cv2.getPerspectiveTransform(found.astype(np.float32), target)
    return np.asarray(cv2.warpPerspective(image, turn, size, borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8)


def _framed(image: Picture, rng: np.random.Generator) -> tuple[Picture, NDArray[np.float32]]:
    """The plate in a border of its holder, and the plate's corners, float32 (4, 2), in the new picture."""
    height, width = image.shape[:2]
    edge = max(1, int(height * rng.uniform(0.02, 0.14))) if rng.random() < 0.5 else 0
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32) + edge
    if not edge:
        return image, corners.astype(np.float32)
    tone = (rng.integers(0, 80, 3) if rng.random() < 0.7 else rng.integers(0, 256, 3)).tolist()
    framed = cv2.copyMakeBorder(image, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=tone)
    if edge > 2:  # a dealer's name below or above the plate
        low = rng.random() < 0.7
        y = height + edge + edge // 2 if low else edge // 2
        ink = rng.integers(120, 256, 3).tolist()
        for x in range(int(width * 0.2), int(width * 0.8), max(2, edge // 2)):
            if rng.random() < 0.7:
                cv2.line(framed, (x, y - edge // 4), (x + int(rng.integers(-1, 2)), y + edge // 4), ink, 1)
    return np.asarray(framed, dtype=np.uint8), corners.astype(np.float32)


def _askew(corners: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """The corners turned, sheared and in perspective, as a camera beside or above the road sees them.

    Nearly upright ones are frequent: those whose corners the detector found are rectified before they are read.
    """
    skew = rng.random() ** 1.5 * 1.6
    height = corners[2, 1] - corners[1, 1]
    centre = corners.mean(0)
    angle = rng.normal(0, 0.06) * skew
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shear = np.array([[1, rng.normal(0, 0.12) * skew], [rng.normal(0, 0.05) * skew, 1]])
    moved = (corners - centre) @ (turn @ shear).T + centre
    return np.asarray(moved + rng.normal(0, 0.035 * skew, (4, 2)) * height, dtype=np.float32)


def _car(height: int, width: int, rng: np.random.Generator) -> Picture:
    """What is around a plate: paint, a bumper's edges, some texture."""
    paint = rng.integers(0, 256) + rng.normal(0, 25, 3)
    rows = np.linspace(-1, 1, height)[:, None, None] * rng.normal(0, 30)
    column = np.clip(paint + rows, 0, 255).astype(np.uint8)
    image: Picture = np.repeat(column, width, axis=1)
    for _ in range(int(rng.integers(0, 4))):
        y, tone = int(rng.uniform(0, height)), rng.integers(0, 256, 3).tolist()
        cv2.line(image, (0, y), (width, y + int(rng.normal(0, 3))), tone, int(rng.integers(1, 5)))
    return image
