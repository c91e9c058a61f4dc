"""What the detector is shown: labelled pictures, each time seen differently, with drawn plates pasted over some.

A view is a canvas of the training size on which one picture, or four side by side, are laid turned, tilted, mirrored
and scaled so that plates of all sizes come about equally often, and then spoilt by light, weather and camera.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from flowalpr.lab.datasets.sample import Sample
from flowalpr.lab.datasets.synthetic.degrade import EFFECTS
from flowalpr.lab.datasets.synthetic.scene import Painter
from flowalpr.vision.geometry import boxes_around, corners_of
from flowalpr.vision.image import PADDING

Picture = NDArray[np.uint8]
Matrix = NDArray[np.float64]
Rect = tuple[int, int, int, int]
"""Left, top, right, bottom of a part of the canvas."""

SMALLEST = (13.0, 4.0)
"""Width and height in pixels below which a plate is neither asked for nor held against the network."""
SPOILING: dict[str, tuple[float, float]] = {
    "light": (0.7, 0.8), "tint": (0.4, 0.8), "shadow": (0.15, 0.8), "glare": (0.05, 0.7), "rain": (0.03, 0.8),
    "snow": (0.03, 0.8), "fog": (0.05, 0.7), "night": (0.08, 0.8), "infrared": (0.15, 0.5), "motion": (0.1, 0.12),
    "coarse": (0.2, 0.5), "sharpen": (0.1, 0.6), "noise": (0.25, 0.7), "jpeg": (0.2, 0.9),
}  # fmt: skip
"""How often each effect strikes a view and how strong it is at most; set by eye: a person still finds the plates."""


class ViewRecipe(BaseModel):
    """How differently a picture may be seen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shapes: tuple[tuple[int, int], ...] = ((320, 448), (416, 352), (256, 576))
    """Rows and columns of the canvas, multiples of 32; one is chosen for each batch."""
    widths: tuple[float, float] = (20.0, 190.0)
    """Pixels that plates are wide, all sizes between being equally frequent on a logarithmic scale."""
    near: float = Field(default=0.25, ge=0, le=1)
    """Share of views from close by, with plates up to nearly the width of the canvas."""
    mosaic: float = Field(default=0.4, ge=0, le=1)
    """Share of views with four pictures."""
    drawn: float = Field(default=0.35, ge=0, le=1)
    """Share of views in which drawn plates hide the real ones."""
    added: float = Field(default=0.15, ge=0, le=1)
    """Share of views with a drawn plate somewhere else."""
    stock: int = Field(default=2500, ge=1)
    """Drawn plates to choose from."""
    spoil: float = Field(default=0.6, ge=0, le=1)
    """Share of views that light, weather and camera spoil."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A labelled picture in memory."""

    sizes: tuple[Picture, ...]
    """The picture, its half and its quarter: scaling far down from the whole would skip pixels."""
    corners: NDArray[np.float32]
    """float32, (plates, 4, 2), clockwise from left top in pixels of the first size."""
    trusts: NDArray[np.float32]
    """float32, (plates,): 1 where the corners are labelled, less where they are those of the box."""
    wanted: NDArray[np.float32]
    """float32, (plates,): 1 a plate to be found, -1 one that nobody labelled."""


class Mark(NamedTuple):
    """A plate on the canvas."""

    corners: NDArray[np.float32]
    """float32, (4, 2); may lie outside the canvas where the plate is cut."""
    box: NDArray[np.float32]
    """float32, (4,), what is seen of it: left top right bottom."""
    weight: float
    """1 to be found, -1 do not care."""
    trust: float
    """How far the corners are to be believed, 0..1."""


BOX_TRUST = 0.15
"""Trust in corners taken from a box: right for plates seen from ahead, too wide for others."""


def shown(image: Picture, sample: Sample, longest: int = 1100) -> Shown:
    """A labelled picture made ready, its longest side scaled down to `longest` pixels."""
    scale = min(1.0, longest / max(image.shape[:2]))
    sizes = [_scaled(image, scale) if scale < 1 else image]
    while max(sizes[-1].shape[:2]) > 200 and len(sizes) < 3:
        sizes.append(_scaled(sizes[-1], 0.5))
    corners, trusts = [], []
    for plate in sample.plates:
        if plate.corners is not None:
            corners.append(np.array(plate.corners, np.float32))
            trusts.append(1.0)
        elif plate.bounds is not None:
            corners.append(corners_of(np.array([plate.bounds], np.float32))[0])
            trusts.append(BOX_TRUST)
    points = np.array(corners, np.float32).reshape(-1, 4, 2) * np.float32(scale)
    return Shown(tuple(sizes), points, np.array(trusts, np.float32), np.ones(len(trusts), np.float32))


class Viewer:
    """Makes views of labelled pictures. The same generator state gives the same view."""

    def __init__(self, pictures: Sequence[Shown], chances: Sequence[float], recipe: ViewRecipe, seed: int) -> None:
        """`chances` are the relative frequencies of the pictures."""
        self._pictures = pictures
        self._chances = np.cumsum(chances) / np.sum(chances)
        self._recipe = recipe
        self._painter = Painter(np.random.default_rng(seed), recipe.stock)

    def view(self, shape: tuple[int, int], rng: np.random.Generator) -> tuple[Picture, list[Mark]]:
        """A canvas of `shape` (rows, columns) and the plates on it."""
        rows, columns = shape
        canvas = np.full((rows, columns, 3), PADDING, np.uint8)
        marks: list[Mark] = []
        if rng.random() < self._recipe.mosaic:
            x, y = int(columns * rng.uniform(0.3, 0.7)), int(rows * rng.uniform(0.3, 0.7))
            for part in ((0, 0, x, y), (x, 0, columns, y), (0, y, x, rows), (x, y, columns, rows)):
                marks += self._lay(canvas, part, self._recipe.widths, rng)
        else:
            low, high = self._recipe.widths
            widths = (3 * low, 0.85 * columns) if rng.random() < self._recipe.near else (low, high)
            marks += self._lay(canvas, (0, 0, columns, rows), widths, rng)
        marks = self._painted(canvas, marks, rng)
        return (spoilt(canvas, rng) if rng.random() < self._recipe.spoil else canvas), marks

    def _lay(self, canvas: Picture, part: Rect, widths: tuple[float, float], rng: np.random.Generator) -> list[Mark]:
        """Lay a picture into a part of the canvas; gives its plates there."""
        picture = self._pictures[int(np.searchsorted(self._chances, rng.random()))]
        mirrored = bool(rng.random() < 0.35)
        turn, scale = _turn(picture, part, widths, mirrored, rng)
        left, top, right, bottom = part
        level = 0
        while scale < 0.6 and level + 1 < len(picture.sizes):
            level, scale = level + 1, scale * 2
        image = picture.sizes[level]
        up = np.diag([picture.sizes[0].shape[1] / image.shape[1], picture.sizes[0].shape[0] / image.shape[0], 1.0])
        border = cv2.BORDER_REPLICATE if rng.random() < 0.4 else cv2.BORDER_CONSTANT
        canvas[top:bottom, left:right] = cv2.warpPerspective(
            image,
            _moved(-left, -top) @ turn @ up,
            (right - left, bottom - top),
            flags=cv2.INTER_LINEAR,
            borderMode=border,
            borderValue=(PADDING,) * 3,
        )
        return _marks(picture, turn, part, mirrored)

    def _painted(self, canvas: Picture, marks: list[Mark], rng: np.random.Generator) -> list[Mark]:
        """Paste drawn plates over real ones and beside them, in place; gives the plates that are there then."""
        if rng.random() < self._recipe.drawn:
            whole = [mark.weight > 0 and mark.trust > 0 for mark in marks]
            marks = [
                self._mark(canvas, self._painter.over(canvas, mark.corners, rng).corners) if hidden else mark
                for mark, hidden in zip(marks, whole, strict=True)
            ]
        if rng.random() < self._recipe.added:
            new = self._painter.beside(canvas, [mark.corners for mark in marks], self._recipe.widths, rng)
            marks = [*marks, self._mark(canvas, new.corners)] if new else marks
        return marks

    @staticmethod
    def _mark(canvas: Picture, corners: NDArray[np.float32]) -> Mark:
        rows, columns = canvas.shape[:2]
        return Mark(corners, np.clip(boxes_around(corners[None])[0], 0, [columns, rows] * 2), 1.0, 1.0)


def spoilt(image: Picture, rng: np.random.Generator) -> Picture:
    """The view after a random course of light, weather and camera; mild effects are more frequent."""
    for name, (chance, most) in SPOILING.items():
        if rng.random() < chance:
            image = EFFECTS[name](image, most * float(rng.random()) ** 1.5, rng)
    return image


def _turn(
    picture: Shown, part: Rect, widths: tuple[float, float], mirrored: bool, rng: np.random.Generator
) -> tuple[Matrix, float]:
    """How a picture is laid into a part: from its pixels to those of the canvas, and the scale of that."""
    left, top, right, bottom = part
    wide, high = right - left, bottom - top
    rows, columns = picture.sizes[0].shape[:2]
    middle, plate = np.array([columns, rows]) * rng.random(2), columns * 0.18
    named = np.flatnonzero(picture.wanted > 0)
    if len(named) and rng.random() < 0.93:
        corners = picture.corners[rng.choice(named)]
        middle, plate = corners.mean(axis=0), max(4.0, float(np.ptp(corners[:, 0])))
    scale = math.exp(rng.uniform(*np.log(widths))) / plate
    # Not below 60 % of fitting, else little is seen but padding, nor so far up that the plate is a blur or cut off.
    least, most = max(0.1, 0.6 * min(wide / columns, high / rows)), min(3.0, max(1.3, 0.8 * wide / plate))
    scale = max(least, min(scale, most))
    place = np.array([left, top]) + rng.uniform(0.06, 0.94, 2) * [wide, high]
    if rng.random() < 0.8:
        place = _filling(place, middle, scale, part, (columns, rows))
    angle = math.radians(rng.normal(0, 4) if rng.random() < 0.9 else rng.uniform(-25, 25))
    stretch = math.exp(rng.normal(0, 0.09))
    rotation = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    shear = np.array([[1, rng.normal(0, 0.06)], [rng.normal(0, 0.04), 1]])
    linear = rotation @ shear @ np.diag([scale * stretch * (-1 if mirrored else 1), scale / stretch])
    turn = np.eye(3)
    turn[:2, :2], turn[:2, 2] = linear, place - linear @ middle
    if rng.random() < 0.4:
        tilt = np.eye(3)
        tilt[2, :2] = rng.normal(0, 0.12, 2) / [wide, high]
        turn = _moved(*place) @ tilt @ _moved(*-place) @ turn
    return turn, scale


def _filling(place: Matrix, middle: Matrix, scale: float, part: Rect, size: tuple[int, int]) -> Matrix:
    """The place moved so that the picture fills the part, along the sides where it is large enough."""
    moved: Matrix = place.copy()
    for axis in (0, 1):
        long, start, end = size[axis] * scale, part[axis], part[axis + 2]
        if long >= end - start:
            edge = min(max(place[axis] - middle[axis] * scale, end - long), start)
            moved[axis] = edge + middle[axis] * scale
    return moved


def _marks(picture: Shown, turn: Matrix, part: Rect, mirrored: bool) -> list[Mark]:
    """The plates of a picture on the canvas: cut ones and tiny ones are not to be cared about."""
    found = []
    low, high = np.array(part[:2]), np.array(part[2:])
    for corners, trust, wanted in zip(picture.corners, picture.trusts, picture.wanted, strict=True):
        points = cv2.perspectiveTransform(corners[None].astype(np.float64), turn)[0].astype(np.float32)
        if mirrored:
            points = points[[1, 0, 3, 2]]
        first, last = points.min(axis=0), points.max(axis=0)
        box = np.concatenate([np.maximum(first, low), np.minimum(last, high)]).astype(np.float32)
        size = last - first
        seen = float(np.prod(np.clip(box[2:] - box[:2], 0, None)) / max(float(np.prod(size)), 1e-6))
        if seen < 0.08:
            continue
        whole = wanted > 0 and seen >= 0.75 and size[0] >= SMALLEST[0] and size[1] >= SMALLEST[1]
        found.append(Mark(points, box, 1.0 if whole else -1.0, float(trust) if seen > 0.98 else 0.0))
    return found


def _moved(x: float, y: float) -> Matrix:
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def _scaled(image: Picture, scale: float) -> Picture:
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), dtype=np.uint8)
