"""The detector: from a picture to the plates in it, with a Session."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flowalpr.errors import SetupError
from flowalpr.messages import Box
from flowalpr.vision.geometry import clip, suppress
from flowalpr.vision.image import Picture, canvas_size, letterbox, normalise
from flowalpr.vision.manifest import find_model
from flowalpr.vision.session import open_session

if TYPE_CHECKING:
    from flowalpr.vision.manifest import ModelInput
    from flowalpr.vision.session import Device, Session

VALUES = 13
"""What a network says of each cell of 8 x 8 pixels: see `decode`."""
MOST_CELLS = 500
"""Cells of one picture that are looked at, best first; some ten name the same plate."""
OVERLAP = 0.45
"""Two boxes that overlap more than this are one plate; plates in a picture never lie over each other."""
LARGEST_EXPONENT = 5.0
"""As in training: exp(5) cells of 8 pixels are 1,187 pixels."""


AT_LEAST, LONGEST = 0.6, 736
"""Least confidence of a plate and most pixels of a picture's longer side, unless told otherwise."""
NEAR = 0.3
"""Share of the picture's width from which on a plate may be too near to be seen whole."""
WEAK, SURE = 0.3, 0.75
"""A near plate that is found with a confidence between these is looked at again with half the pixels. With
`plate-detector`, of 481 plates of four validation sets two more were read right, none less; 6 of 498 pictures were
looked at twice."""


class Found(NamedTuple):
    """One plate, in pixels of the picture."""

    box: Box
    confidence: float
    """0..1"""
    corners: NDArray[np.float32]
    """float32, (4, 2), x and y clockwise from the plate's left top; may lie outside the picture a little."""


class Detector:
    """Finds the plates of a picture, box and four corners each."""

    def __init__(
        self,
        model: str | Path = "plate-detector-quick",
        at_least: float = AT_LEAST,
        longest: int = LONGEST,
        device: Device = "cpu",
    ) -> None:
        """Loads a model; plates below a confidence of `at_least` (0..1) are left out.

        Pictures with a longest side above `longest` pixels are scaled down to it. Half the pixels a side is four
        times as fast, and plates less than about 20 pixels wide after scaling are missed.

        Raises:
            SetupError: the model is missing, damaged or no detector, or what the device needs is missing.
        """
        found = find_model(model, "detector")
        self._session = open_session(found.weights, device)
        self._input = found.manifest.input
        self._longest = longest
        self._at_least = at_least
        # The first run is the slowest, so it had better not be that of a frame.
        (values,) = self._session.run(normalise([np.zeros((32, 32, 3), np.uint8)], self._input))
        wanted = (1, VALUES, 4, 4)
        if values.shape != wanted:
            raise SetupError(
                f"model '{found.manifest.name}' gives {values.shape} for a picture of 32 x 32 pixels, not {wanted}",
                "train and export a detector with flowalpr train detector and flowalpr export",
            )

    @property
    def provider(self) -> str:
        """What really runs the network: `CPU` or `CUDA`."""
        return self._session.provider

    def find(self, image: Picture) -> list[Found]:
        """The plates of a picture (uint8, (height, width, 3), BGR), surest first."""
        return find_with(self._session, self._input, image, self._at_least, self._longest)


def find_with(session: Session, wanted: ModelInput, image: Picture, at_least: float, longest: int) -> list[Found]:
    """The plates of a picture, surest first, as a session of a detector finds them.

    `wanted` is the `input` of the model's manifest; `at_least` and `longest` are as for `Detector`.
    """
    found = _look(session, wanted, image, min(at_least, WEAK), longest)
    near = NEAR * image.shape[1]
    if any(each.box.width > near and WEAK <= each.confidence < SURE for each in found):
        found = _best([*found, *_look(session, wanted, image, at_least, max(32, longest // 2))])
    return [each for each in found if each.confidence >= at_least]


def _look(session: Session, wanted: ModelInput, image: Picture, at_least: float, longest: int) -> list[Found]:
    height, width = image.shape[:2]
    fitted = letterbox(image, *canvas_size(height, width, longest))
    (values,) = session.run(normalise([fitted.image], wanted))
    scores, boxes, corners = decode(values[0], at_least)
    boxes, corners = clip(boxes / fitted.scale, width, height), corners / fitted.scale
    kept = [i for i in suppress(boxes, scores, OVERLAP) if (boxes[i, 2:] - boxes[i, :2] >= 1).all()]
    return [Found(Box(*map(float, boxes[i])), float(scores[i]), corners[i]) for i in kept]


def _best(found: list[Found]) -> list[Found]:
    """Each plate once, surest first."""
    boxes = np.array([each.box for each in found], np.float32).reshape(-1, 4)
    scores = np.array([each.confidence for each in found], np.float32)
    return [found[index] for index in suppress(boxes, scores, OVERLAP)]


def decode(
    values: NDArray[np.float32], at_least: float
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Scores (n,), boxes (n, 4) and corners (n, 4, 2) in pixels of the canvas, of the cells that are sure enough.

    `values` are a network's output for one picture, (13, rows, columns), one cell for 8 x 8 pixels: score before the
    sigmoid; middle of the plate from the middle of the cell, in widths and heights of the plate; logarithm of width
    and height in cells; way of each corner from the box's corner, in widths and heights.
    """
    stride = 8
    limit = -np.inf if at_least <= 0 else np.inf if at_least >= 1 else np.log(at_least / (1 - at_least))
    y, x = np.nonzero(values[0] >= limit)
    best = np.argsort(-values[0, y, x], kind="stable")[:MOST_CELLS]
    y, x = y[best], x[best]
    cells = values[:, y, x].T.astype(np.float32)
    sizes = np.exp(np.minimum(cells[:, 3:5], LARGEST_EXPONENT)) * stride
    middles = (np.stack([x, y], axis=1) + 0.5).astype(np.float32) * stride + cells[:, 1:3] * sizes
    boxes = np.concatenate([middles - sizes / 2, middles + sizes / 2], axis=1)
    of_box = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]], np.float32)
    corners = middles[:, None] + (of_box + cells[:, 5:].reshape(-1, 4, 2)) * sizes[:, None]
    scores = 1 / (1 + np.exp(-cells[:, 0]))
    return scores, boxes, corners
