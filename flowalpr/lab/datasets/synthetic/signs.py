"""The plates of the sample clip, drawn in their countries' manner; every text is invented.

Unlike `plate.py`, which varies everything for training, this draws a few plates as a person would expect them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from flowalpr.errors import SetupError

Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]

PIXELS = 2
"""Pixels of a drawn plate for a millimetre."""
SIZES = {"BR": (400, 130)}
USUAL_SIZE = (520, 113)
"""Millimetres: the Brazilian one by CONTRAN 969/2022, the others as in most of Europe."""
WIDE, HIGH = USUAL_SIZE[0] * PIXELS, USUAL_SIZE[1] * PIXELS
GERMAN = "gl-nummernschild/GL-Nummernschild-Mtl.ttf"
DIN = "dinish/DINish-Bold.ttf"
NARROW = "dinish/DINishCondensed-Bold.ttf"
ROUND = "barlow/barlow-semi-condensed-600.ttf"
SMALL = "dinish/DINish-Medium.ttf"
BLACK, WHITE, YELLOW, BLUE, STARS = (22, 22, 24), (238, 239, 236), (248, 200, 24), (20, 60, 150), (250, 205, 40)


class Sign(NamedTuple):
    """A plate to be drawn."""

    country: str
    groups: tuple[str, ...]
    """The text in the groups that are printed apart from one another."""
    ground: Colour = WHITE
    """RGB."""

    @property
    def text(self) -> str:
        """Upper case, without blanks and dashes."""
        return "".join(self.groups)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in millimetres."""
        return SIZES.get(self.country, USUAL_SIZE)


def draw(sign: Sign, fonts: Path) -> Picture:
    """The plate, seen from straight ahead: uint8, (height, width, 3), BGR.

    Raises:
        SetupError: a typeface is missing in `fonts`.
    """
    picture = Image.new("RGB", (sign.size[0] * PIXELS, sign.size[1] * PIXELS), sign.ground)
    pen = ImageDraw.Draw(picture)
    styles: dict[str, Callable[[ImageDraw.ImageDraw, Sign, Path], None]] = {
        "D": _german,
        "GB": _british,
        "BR": _brazilian,
        "NL": _dutch,
        "FR": _french,
    }
    styles[sign.country](pen, sign, fonts)
    return np.ascontiguousarray(np.asarray(picture)[:, :, ::-1])


def _german(pen: ImageDraw.ImageDraw, sign: Sign, fonts: Path) -> None:
    _rim(pen)
    _band(pen, sign.country, fonts)
    first, rest = sign.groups[0], " ".join(sign.groups[1:])
    right = _text(pen, first, fonts / GERMAN, left=122, height=150)
    for top, colour in ((46, (60, 110, 190)), (124, (190, 190, 186))):
        pen.ellipse((right + 22, top, right + 78, top + 56), fill=colour, outline=(120, 120, 120), width=3)
    _text(pen, rest, fonts / GERMAN, left=right + 104, height=150, right=WIDE - 26)


def _british(pen: ImageDraw.ImageDraw, sign: Sign, fonts: Path) -> None:
    _text(pen, " ".join(sign.groups), fonts / ROUND, left=60, height=158, right=WIDE - 60)


def _brazilian(pen: ImageDraw.ImageDraw, sign: Sign, fonts: Path) -> None:
    wide, high = (side * PIXELS for side in sign.size)
    pen.rectangle((0, 0, wide, 62), fill=BLUE)
    pen.text((wide / 2, 31), "BRASIL", font=_font(fonts / SMALL, 44), fill=WHITE, anchor="mm")
    pen.rectangle((722, 12, 780, 50), fill=(20, 130, 60))
    pen.polygon([(726, 31), (751, 15), (776, 31), (751, 47)], fill=STARS)
    pen.rounded_rectangle((4, 4, wide - 5, high - 5), radius=22, outline=BLUE, width=8)
    _text(pen, "".join(sign.groups), fonts / GERMAN, left=34, height=130, right=wide - 34, middle=158)


def _dutch(pen: ImageDraw.ImageDraw, sign: Sign, fonts: Path) -> None:
    _rim(pen)
    _band(pen, sign.country, fonts)
    _text(pen, "-".join(sign.groups), fonts / DIN, left=130, height=146, right=WIDE - 40)


def _french(pen: ImageDraw.ImageDraw, sign: Sign, fonts: Path) -> None:
    _band(pen, "F", fonts)
    pen.rectangle((WIDE - 88, 0, WIDE, HIGH), fill=BLUE)
    _text(pen, "-".join(sign.groups), fonts / NARROW, left=124, height=146, right=WIDE - 124)


def _rim(pen: ImageDraw.ImageDraw) -> None:
    pen.rounded_rectangle((4, 4, WIDE - 5, HIGH - 5), radius=22, outline=BLACK, width=8)


def _band(pen: ImageDraw.ImageDraw, letters: str, fonts: Path) -> None:
    """The blue end of a plate of the European Union."""
    pen.rectangle((8, 8, 92, HIGH - 9), fill=BLUE)
    for angle in np.arange(12) * np.pi / 6:
        x, y = 50 + 27 * np.cos(angle), 66 + 27 * np.sin(angle)
        pen.ellipse((x - 4, y - 4, x + 4, y + 4), fill=STARS)
    pen.text((50, 166), letters, font=_font(fonts / SMALL, 62), fill=WHITE, anchor="mm")


def _text(
    pen: ImageDraw.ImageDraw,
    text: str,
    file: Path,
    *,
    left: int,
    height: int,
    right: int | None = None,
    middle: int = 113,
) -> int:
    """Write characters `height` pixels high from `left`, spread to `right` if given; gives where the last one ends."""
    font = _font(file, 200)
    _, top, _, bottom = font.getbbox("H")
    font = _font(file, round(200 * height / (bottom - top)))
    boxes = [font.getbbox(character) for character in text]
    widths = [box[2] - box[0] if character != " " else 52 for character, box in zip(text, boxes, strict=True)]
    gap = 18.0
    if right is not None:
        gap = (right - left - sum(widths)) / max(1, len(text) - 1)
        if gap > 34:
            left, gap = round(left + (gap - 34) * (len(text) - 1) / 2), 34.0
    x = float(left)
    for character, box, width in zip(text, boxes, widths, strict=True):
        pen.text((x - box[0], middle + height / 2), character, font=font, fill=BLACK, anchor="ls")
        x += width + gap
    return round(x - gap)


def _font(file: Path, size: int) -> ImageFont.FreeTypeFont:
    try:
        return ImageFont.truetype(str(file), size)
    except OSError:
        raise SetupError(f"the typeface {file} is missing", "name a folder that has it with --fonts") from None
