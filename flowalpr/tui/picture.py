"""A picture in half cells: two pixels a character, one above the other."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO

from flowalpr.tui.sheet import Line, Piece

HALF = "▀"


@lru_cache(maxsize=4)
def half_cells(jpeg: bytes, width: int, height: int) -> tuple[Line, ...]:
    """The picture as large as fits into `width` x `height` cells, its shape kept; tones are `#upper #lower`."""
    from PIL import Image  # Here: nothing but a picture needs it, and the first screen is not to wait.

    if width < 2 or height < 1:
        return ()
    with Image.open(BytesIO(jpeg)) as picture:
        picture.draft("RGB", (width * 2, height * 4))  # A JPEG can be decoded at an eighth of its size.
        scale = min(width / picture.width, height * 2 / picture.height)
        size = (max(1, round(picture.width * scale)), max(2, round(picture.height * scale)) // 2 * 2)
        small = picture.convert("RGB").resize(size, Image.Resampling.BOX)
    # Few colours repeat more often, and what repeats need not be sent again.
    pixels = small.quantize(48, dither=Image.Dither.NONE).convert("RGB").load()
    assert pixels is not None  # noqa: S101  # Of a picture that has been loaded.
    return tuple(_line(pixels, size[0], y) for y in range(0, size[1], 2))


def _line(pixels: object, width: int, y: int) -> Line:
    pieces: list[Piece] = [(" ", "")]
    for x in range(width):
        tone = f"{_hex(pixels[x, y])} on {_hex(pixels[x, y + 1])}"  # type: ignore[index]  # Pillow's own type has no name.
        if pieces[-1][1] == tone:
            pieces[-1] = (pieces[-1][0] + HALF, tone)
        else:
            pieces.append((HALF, tone))
    return tuple(pieces)


def _hex(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
