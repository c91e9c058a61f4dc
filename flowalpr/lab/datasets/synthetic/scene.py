"""Whole scenes: drawn plates pasted into pictures by perspective, with exact boxes, corners and texts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from flowalpr.lab.datasets.synthetic.plate import Drawer, Plate
from flowalpr.vision.geometry import widen

Picture = NDArray[np.uint8]
Corners = NDArray[np.float32]
"""float32, (4, 2), x and y in pixels of the picture, clockwise from the plate's left top."""

NARROWEST = 24.0
"""Pixels of width below which a real plate is not hidden under a drawn one, of which nothing could be read."""
TRIES = 12
"""Attempts at a free place for a plate; a full picture gets fewer plates."""


class Placed(NamedTuple):
    """A plate in a scene and its truth."""

    corners: Corners
    plate: Plate


class Scene(NamedTuple):
    """A picture and the plates that were pasted into it."""

    image: Picture
    """uint8, (height, width, 3), BGR."""
    plates: tuple[Placed, ...]
    hidden: tuple[int, ...] = ()
    """Which of the real plates drawn ones now lie over."""


class Painter:
    """Pastes drawn plates into pictures, out of a stock drawn at the start: drawing costs five times what pasting does.

    The same stock and generator state give the same scene.
    """

    def __init__(self, rng: np.random.Generator, stock: int = 1000, drawer: Drawer | None = None) -> None:
        drawer = drawer or Drawer()
        self._stock = sorted((drawer.render_plate(rng) for _ in range(stock)), key=_ratio)
        self._ratios = np.array([_ratio(plate) for plate in self._stock])

    def over(self, image: Picture, corners: Corners, rng: np.random.Generator) -> Placed:
        """Paste a plate over a real one, in place: the scene around it stays as true as it was.

        The plate hides the real one wholly and lies as askew as plates of parked and passing cars do.
        """
        width, height = _extent(corners)
        plate = self._shaped(height / width, rng)
        quad = widen(corners, float(rng.uniform(0.0, 0.06)), float(rng.uniform(0.0, 0.12)))
        slant = np.float32(rng.normal(0, 0.06)) * height * np.array([-1, 1, 1, -1], np.float32)
        quad[:, 1] += slant
        taper = np.float32(abs(rng.normal(0, 0.04))) * height
        near = np.array([[0, -1], [0, 0], [0, 0], [0, 1]] if rng.random() < 0.5 else [[0, 0], [0, -1], [0, 1], [0, 0]])
        quad = _covering((quad + near * taper).astype(np.float32), corners)
        paste(image, plate.image, quad, rng)
        return Placed(quad, plate)

    def beside(
        self, image: Picture, taken: Sequence[Corners], widths: tuple[float, float], rng: np.random.Generator
    ) -> Placed | None:
        """Paste a plate `widths` pixels wide where none is yet, in place; None if no place was free."""
        rows, columns = image.shape[:2]
        plate = self._stock[int(rng.integers(len(self._stock)))]
        for _ in range(TRIES):
            width = math.exp(rng.uniform(math.log(widths[0]), math.log(widths[1])))
            shape = posed(width, plate.image.shape[0] / plate.image.shape[1], rng)
            room = np.array([columns, rows]) - np.ptp(shape, axis=0)
            if (room <= 2).any():
                continue
            quad = (shape - shape.min(axis=0) + 1 + rng.random(2) * (room - 2)).astype(np.float32)
            if not any(_touch(quad, other) for other in taken):
                paste(image, plate.image, quad, rng)
                return Placed(quad, plate)
        return None

    def scene(
        self, background: Picture, taken: Sequence[Corners], rng: np.random.Generator, over: float = 0.0
    ) -> Scene:
        """A copy of a picture with one to three more plates in it, each the whole plate of its own.

        Of the real plates, whose corners are `taken`, a share of `over` (0..1) is hidden under drawn ones.
        """
        image, found = background.copy(), list(taken)
        hidden = [k for k, corners in enumerate(taken) if _extent(corners)[0] >= NARROWEST and rng.random() < over]
        placed = [self.over(image, taken[k], rng) for k in hidden]
        for k, each in zip(hidden, placed, strict=True):
            found[k] = each.corners
        for _ in range(int(rng.integers(1, 4))):
            widths = (min(24.0, image.shape[1] / 8), image.shape[1] / 3)
            if new := self.beside(image, found, widths, rng):
                placed.append(new)
                found.append(new.corners)
        return Scene(image, tuple(placed), tuple(hidden))

    def _shaped(self, ratio: float, rng: np.random.Generator) -> Plate:
        """A plate about `ratio` times as high as wide: another shape would be squeezed beyond recognition."""
        low, high = np.searchsorted(self._ratios, [ratio * 0.8, ratio * 1.25])
        some = min(10, len(self._stock))
        low = min(low, len(self._stock) - some)
        return self._stock[int(rng.integers(low, max(high, low + some)))]


def posed(width: float, ratio: float, rng: np.random.Generator) -> Corners:
    """Corners of a plate `width` pixels wide and `ratio` times as high, turned in space as a camera would see it.

    The camera stands up to 50 degrees aside, 30 above and 8 tilted, most often far less, five plate widths or more
    away. The plate's middle is at 0, 0.
    """
    aside, above, tilt = (float(np.clip(rng.normal(0, s), -m, m)) for s, m in ((0.4, 0.87), (0.2, 0.52), (0.06, 0.14)))
    flat = np.array([[-0.5, -ratio / 2], [0.5, -ratio / 2], [0.5, ratio / 2], [-0.5, ratio / 2]])
    x, y = flat[:, 0] * math.cos(aside), flat[:, 1] * math.cos(above)
    depth = 1 + (flat[:, 0] * math.sin(aside) + flat[:, 1] * math.sin(above)) / rng.uniform(5, 15)
    y = y + flat[:, 0] * math.sin(aside) * math.sin(above)  # Seen from above and aside, level lines climb.
    points = np.stack([x, y], axis=1) / depth[:, None] * width
    turn = np.array([[math.cos(tilt), math.sin(tilt)], [-math.sin(tilt), math.cos(tilt)]])
    return np.asarray(points @ turn, dtype=np.float32)


def paste(image: Picture, plate: Picture, corners: Corners, rng: np.random.Generator) -> None:
    """Paste a flat plate into a picture, in place, in the light of what is around it and as sharp as that is."""
    left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 2, 0)
    right, bottom = np.ceil(corners.max(axis=0)).astype(int) + 3
    region = image[top:bottom, left:right]
    if region.size == 0:
        return
    height, width = plate.shape[:2]
    least = max(1e-3, min(1.0, 1.5 * _extent(corners)[0] / width))
    if least < 0.7:  # Warping far down skips pixels: shrink first, as a lens does.
        plate = np.asarray(cv2.resize(plate, None, fx=least, fy=least, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        height, width = plate.shape[:2]
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    turn = cv2.getPerspectiveTransform(flat - 0.5, (corners - (left, top)).astype(np.float32) - 0.5)
    size = (region.shape[1], region.shape[0])
    lit = np.clip(plate.astype(np.float32) * _light(region, rng), 0, 255)
    drawn = cv2.warpPerspective(lit, turn, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mask = cv2.warpPerspective(np.ones((height, width), np.float32), turn, size, flags=cv2.INTER_LINEAR)
    softness = float(rng.uniform(0.3, 1.0))
    drawn, mask = cv2.GaussianBlur(drawn, (0, 0), softness), cv2.GaussianBlur(mask, (0, 0), softness)[..., None]
    region[:] = (drawn * mask + region * (1 - mask)).astype(np.uint8)


def _light(region: Picture, rng: np.random.Generator) -> NDArray[np.float32]:
    """What the plate's colours are multiplied with, (3,): between the light around it and full light."""
    around = region.reshape(-1, 3).mean(axis=0).astype(np.float32)
    strength = float(np.clip(around.mean() / 110, 0.25, 1.1)) ** rng.uniform(0.2, 1.0)
    tint = (around + 60) / (around.mean() + 60)
    return np.asarray(strength * tint ** rng.uniform(0, 0.6) * rng.uniform(0.75, 1.15), dtype=np.float32)


def _covering(quad: Corners, corners: Corners) -> Corners:
    """The quad, grown about its middle until it hides the corners, but by half at most."""
    middle = quad.mean(axis=0)
    for grow in (1.0, 1.08, 1.16, 1.25, 1.36, 1.5):
        grown: Corners = ((quad - middle) * grow + middle).astype(np.float32)
        if all(cv2.pointPolygonTest(grown, (float(x), float(y)), False) >= 0 for x, y in corners):
            break
    return grown


def _extent(corners: Corners) -> tuple[float, float]:
    """Width and height along the plate's own sides, in pixels, at least 1."""
    top, side = corners[1] - corners[0], corners[3] - corners[0]
    return max(1.0, float(np.hypot(*top))), max(1.0, float(np.hypot(*side)))


def _touch(first: Corners, second: Corners) -> bool:
    """Whether the boxes around two plates touch."""
    (a, b), (c, d) = (first.min(axis=0), first.max(axis=0)), (second.min(axis=0), second.max(axis=0))
    return bool((a <= d).all() and (c <= b).all())


def _ratio(plate: Plate) -> float:
    return float(plate.image.shape[0] / plate.image.shape[1])
