"""Pictures: decoding, and all that is done to pixels before a model sees them. The only copy of preprocessing.

A picture is uint8, (height, width, 3), BGR, 0..255, as it is shown, that is after the EXIF rotation.
"""

from __future__ import annotations

import io
import math
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from flowalpr.errors import FlowalprError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowalpr.vision.manifest import ModelInput

Picture = NDArray[np.uint8]
MOST_PIXELS = 80_000_000
"""Larger pictures are refused: decoding one takes a quarter of a gigabyte and more."""
PADDING = 114
"""Grey of the rest of a letterboxed picture."""


class PictureError(FlowalprError):
    """A file that is no picture, or one that is too large."""

    def __init__(self, what: str, expected: str, fix: str = "") -> None:
        super().__init__(str(Problem(what, expected=expected, fix=fix)))


class Fitted(NamedTuple):
    """A picture made to fit a canvas, from the canvas's left top on."""

    image: Picture
    scale: float
    """Pixels of the canvas for one pixel of the picture: divide by it to come back."""


def load(path: Path) -> Picture:
    """The picture in a file.

    Raises:
        PictureError: it is no picture that can be decoded, or too large.
        OSError: the file cannot be read.
    """
    return decode(path.read_bytes(), path.name)


def decode(content: bytes, name: str = "the picture") -> Picture:
    """The picture in a file's content; grey, alpha, 16 bit and CMYK become BGR, EXIF rotation is applied.

    Raises:
        PictureError: it is no picture that can be decoded, or too large; `name` is put into the message.
    """
    width, height = _announced_size(content, name)
    if width * height > MOST_PIXELS:
        raise PictureError(
            f"{name} has {width} x {height} pixels",
            expected=f"at most {MOST_PIXELS // 1_000_000} million pixels",
            fix="scale it down first; plates need no more than some 100 pixels of width",
        )
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        image = None
    if image is None:
        raise PictureError(f"{name} is damaged", expected="a whole picture file")
    return np.asarray(image, dtype=np.uint8)


def canvas_size(height: int, width: int, longest: int) -> tuple[int, int]:
    """Rows and columns, multiples of 32, of the canvas for a picture whose longest side may have `longest` pixels.

    A picture smaller than that is not enlarged.
    """
    scale = min(1.0, longest / max(height, width))
    return _up_to_32(height * scale), _up_to_32(width * scale)


def letterbox(image: Picture, rows: int, columns: int) -> Fitted:
    """The picture, never enlarged, in the left top of a grey canvas of `rows` x `columns` pixels."""
    height, width = image.shape[:2]
    scale = min(1.0, rows / height, columns / width)
    inner = image
    if scale < 1.0:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        # Below a half, bilinear sampling skips pixels and thin strokes vanish; above, it is three times faster.
        how = cv2.INTER_LINEAR if scale >= 0.5 else cv2.INTER_AREA
        inner = np.asarray(cv2.resize(image, size, interpolation=how), dtype=np.uint8)
    if inner.shape[:2] == (rows, columns):
        return Fitted(inner, scale)
    canvas = np.full((rows, columns, 3), PADDING, np.uint8)
    canvas[: inner.shape[0], : inner.shape[1]] = inner
    return Fitted(canvas, scale)


def normalise(images: Sequence[Picture], wanted: ModelInput) -> NDArray[np.float32]:
    """What a network is given of pictures of one size: float32, (n, channels, height, width).

    `wanted` is the `input` of the model's manifest: order of the channels, and mean and scale of each.
    """
    kept = [cv2.cvtColor(each, cv2.COLOR_BGR2GRAY) if wanted.colour == "grey" else each for each in images]
    swap = wanted.colour == "rgb"
    # OpenCV takes one scale for all channels; the models in the box have just one, and nothing is left to do.
    batch = np.asarray(cv2.dnn.blobFromImages(kept, wanted.scale[0], mean=wanted.mean, swapRB=swap), dtype=np.float32)
    if len(set(wanted.scale)) > 1:
        batch *= np.array(wanted.scale, np.float32)[:, None, None] / np.float32(wanted.scale[0])
    return batch


def rectify(image: Picture, corners: NDArray[np.float32], size: tuple[int, int]) -> Picture:
    """A plate as if seen from straight ahead, `size` = (width, height) pixels.

    `corners` are (4, 2), x and y in pixels of `image`, clockwise from the plate's left top; parts outside the
    picture repeat its edge.
    """
    width, height = size
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    # Pixel centres lie half a pixel in; without the shift the whole plate moves by that much.
    turn = cv2.getPerspectiveTransform(corners.astype(np.float32) - 0.5, target - 0.5)
    return np.asarray(
        cv2.warpPerspective(image, turn, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
        dtype=np.uint8,
    )


def _announced_size(content: bytes, name: str) -> tuple[int, int]:
    """Width and height that the file's head states, without decoding its pixels."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content)) as head:
                return int(head.width), int(head.height)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureError(
            f"{name} has far too many pixels",
            expected=f"at most {MOST_PIXELS // 1_000_000} million pixels",
            fix="scale it down first; plates need no more than some 100 pixels of width",
        ) from None
    except (OSError, SyntaxError, ValueError):
        raise PictureError(
            f"{name} is not a picture",
            expected="JPEG, PNG, WebP, BMP or TIFF",
            fix="check that the file is whole",
        ) from None


def _up_to_32(side: float) -> int:
    return max(32, math.ceil(side / 32 - 1e-6) * 32)  # 960 must stay 960 where rounding made 960.0000001 of it.
