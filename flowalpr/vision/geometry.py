"""Boxes and corners of plates: overlap, suppression of doubles, one from the other.

Boxes are float32, (n, 4), left top right bottom in pixels, right and bottom exclusive. Corners are float32,
(n, 4, 2), x and y in pixels, clockwise from the plate's own left top.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def boxes_around(corners: Floats) -> Floats:
    """The smallest box around each plate's corners: (n, 4, 2) to (n, 4)."""
    return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1).astype(np.float32)


def corners_of(boxes: Floats) -> Floats:
    """The corners of each box, clockwise from left top: (n, 4) to (n, 4, 2)."""
    return boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2).astype(np.float32)


def widen(corners: Floats, along: float, across: float) -> Floats:
    """One plate's corners, (4, 2), moved outwards: by shares of its width (`along`) and height (`across`) a side."""
    points = corners.astype(np.float32)
    top, right = (points[1] - points[0]) * along, (points[2] - points[1]) * across
    bottom, left = (points[2] - points[3]) * along, (points[3] - points[0]) * across
    outwards = np.stack([-top - left, top - right, bottom + right, left - bottom])
    return np.asarray(points + outwards, dtype=np.float32)


def clip(boxes: Floats, width: float, height: float) -> Floats:
    """The part of each box that lies in a picture of this size."""
    return np.clip(boxes, 0, np.array([width, height, width, height])).astype(np.float32)


def iou(first: Floats, second: Floats) -> Floats:
    """Overlap of every box of `first` with every one of `second`: (n, 4) and (m, 4) to (n, m), 0..1.

    Intersection over union; 0 where both boxes are empty.
    """
    least = np.minimum(first[:, None, 2:], second[None, :, 2:])
    most = np.maximum(first[:, None, :2], second[None, :, :2])
    shared = np.prod(np.clip(least - most, 0, None), axis=2)
    union = _areas(first)[:, None] + _areas(second)[None, :] - shared
    shares: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return shares


def suppress(boxes: Floats, scores: Floats, overlap: float) -> NDArray[np.intp]:
    """Indexes of the boxes to keep, best score first: none overlaps a better one by more than `overlap`."""
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(int(best))
        order = rest[iou(boxes[best : best + 1], boxes[rest])[0] <= overlap]
    return np.array(kept, dtype=np.intp)


def _areas(boxes: Floats) -> Floats:
    sides = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None)
    return np.asarray(sides[:, 0] * sides[:, 1], dtype=np.float32)
