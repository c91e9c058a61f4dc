"""What stands on plates beside the text: seals, flags, pictures, stickers, screws, embossing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]


def picture_of(width: int, height: int, rng: np.random.Generator) -> Picture:
    """A small shape that is no character: uint8, (height, width), 255 in the ink.

    A disc, ring, shield, box, star, blob, bear-like silhouette or two discs one above the other.
    """
    width, height = max(4, width), max(4, height)
    shape = np.zeros((height, width), np.uint8)
    centre, radius = (width // 2, height // 2), max(2, min(width, height) // 2 - 1)
    kind = int(rng.integers(8))
    if kind == 0:
        cv2.circle(shape, centre, radius, 255, -1)
    elif kind == 1:
        cv2.circle(shape, centre, radius, 255, max(1, radius // 4))
        cv2.circle(shape, centre, max(1, radius // 3), 160, -1)
    elif kind == 2:
        top, side = height // 2 - radius, width // 2
        points = [(side - radius, top), (side + radius, top), (side + radius, centre[1]), (side, centre[1] + radius)]
        cv2.fillPoly(shape, [np.array([*points, (side - radius, centre[1])])], 255)
    elif kind == 3:
        cv2.rectangle(shape, (0, height // 3), (width - 1, height * 2 // 3), 255, int(rng.integers(-1, 3)) or 1)
    elif kind == 4:
        angles = np.arange(10) * np.pi / 5
        reach = np.where(np.arange(10) % 2, radius * 0.45, radius)
        star = np.stack([centre[0] + reach * np.sin(angles), centre[1] - reach * np.cos(angles)], 1)
        cv2.fillPoly(shape, [star.astype(np.int32)], 255)
    elif kind == 5:
        third = max(2, height // 4)
        for y in (height // 4, height * 3 // 4):
            cv2.circle(shape, (centre[0], y), min(third, width // 2) - 1, int(rng.integers(120, 256)), -1)
    else:
        blot = (rng.uniform(0, 1, (int(rng.integers(5, 12)), 2)) * (width, height)).astype(np.int32)
        cv2.fillPoly(shape, [cv2.convexHull(blot) if kind == 6 else blot], 255)
    if rng.random() < 0.4:  # a lighter pattern inside, such as a coat of arms
        coarse = rng.integers(60, 256, (max(2, height // 6), max(2, width // 6))).astype(np.uint8)
        shape = np.minimum(shape, cv2.resize(coarse, (width, height)))
    return np.asarray(shape, dtype=np.uint8)


def decoy(region: Picture, shape: Picture, rng: np.random.Generator) -> None:
    """Paints a shape onto a region, in place, in a colour of its own."""
    ink = rng.integers(0, 256, 3)
    alpha = (shape[..., None] * rng.uniform(0.4, 1.0)).astype(np.uint16)
    region[:] = ((region * (255 - alpha) + ink.astype(np.uint16) * alpha) // 255).astype(np.uint8)


def graphics(image: Picture, ground: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Paints a faint picture behind the text, in place: hills, a sunrise, bands or blots."""
    height, width = image.shape[:2]
    layer = image.copy()
    for _ in range(int(rng.integers(1, 5))):
        ink = np.clip(ground + rng.normal(0, 70, 3), 0, 255).tolist()
        kind = rng.random()
        if kind < 0.35:
            xs = np.linspace(0, width, 9)
            ys = height * rng.uniform(0.2, 0.9) + rng.normal(0, height * 0.15, 9)
            hill = np.concatenate([np.stack([xs, ys], 1), [[width, height], [0, height]]]).astype(np.int32)
            cv2.fillPoly(layer, [hill], ink)
        elif kind < 0.6:
            centre = (int(rng.uniform(0, width)), int(rng.uniform(0, height)))
            cv2.circle(layer, centre, int(height * rng.uniform(0.2, 0.7)), ink, -1, cv2.LINE_AA)
        elif kind < 0.8:
            top = int(rng.uniform(0, height * 0.8))
            cv2.rectangle(layer, (0, top), (width, top + int(height * rng.uniform(0.1, 0.4))), ink, -1)
        else:
            shape = picture_of(int(width * rng.uniform(0.1, 0.35)), int(height * rng.uniform(0.4, 0.9)), rng)
            x = int(rng.uniform(0, width - shape.shape[1]))
            part = layer[: shape.shape[0], x : x + shape.shape[1]]
            part[shape[: part.shape[0], : part.shape[1]] > 100] = ink
    share = float(rng.uniform(0.15, 0.6))
    image[:] = cv2.addWeighted(layer, share, image, 1 - share, 0)


def emboss(image: Picture, mask: Picture, rng: np.random.Generator) -> None:
    """Shades the edges of the text, in place, as light from one side does on pressed metal."""
    down, right = int(rng.integers(-2, 3)), int(rng.integers(-2, 3))
    soft = cv2.blur(mask, (3, 3)).astype(np.int16)
    relief = soft - np.roll(soft, (down, right), (0, 1))
    depth = (relief * np.float32(rng.uniform(0.1, 0.5))).astype(np.int16)
    image[:] = np.clip(image + depth[..., None], 0, 255)


def screws(image: Picture, rng: np.random.Generator) -> None:
    """Puts two or four screw heads, or none, onto the plate, in place."""
    if rng.random() < 0.4:
        return
    height, width = image.shape[:2]
    radius = max(1, int(height * rng.uniform(0.02, 0.05)))
    x, y = int(width * rng.uniform(0.05, 0.3)), int(height * rng.uniform(0.05, 0.14))
    ys = (y, height - y) if rng.random() < 0.4 else (y,) if rng.random() < 0.6 else (height // 2,)
    tone = int(rng.integers(20, 230))
    for cy in ys:
        for cx in (x, width - x):
            cv2.circle(image, (cx, cy), radius, (tone, tone, tone), -1, cv2.LINE_AA)
            cv2.circle(image, (cx + 1, cy + 1), max(1, radius // 2), (tone // 2,) * 3, -1)


def sticker(image: Picture, rng: np.random.Generator) -> None:
    """Glues one to three small coloured stickers with marks near the plate's corners, in place."""
    height, width = image.shape[:2]
    for _ in range(int(rng.integers(1, 4))):
        w, h = int(height * rng.uniform(0.12, 0.3)), int(height * rng.uniform(0.1, 0.22))
        x = int(rng.uniform(0.02, 0.12) * width) if rng.random() < 0.5 else int(rng.uniform(0.8, 0.95) * width - w)
        y = int(rng.uniform(0.02, 0.1) * height) if rng.random() < 0.7 else int(rng.uniform(0.85, 0.97) * height - h)
        paint = rng.integers(0, 256, 3).tolist()
        cv2.rectangle(image, (x, y), (x + w, y + h), paint, -1)
        mark = rng.integers(0, 256, 3).tolist()
        for line in range(int(rng.integers(1, 3))):
            top = y + 2 + line * max(2, h // 2)
            cv2.line(image, (x + 2, top), (x + w - 2, top), mark, 1)
