"""Sets text into a plate: rows of characters and marks, and the small lines around them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from flowalpr.lab.datasets.synthetic.decor import decoy, picture_of
from flowalpr.lab.datasets.synthetic.glyphs import HEIGHT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from flowalpr.lab.datasets.synthetic.glyphs import Typeface, Typefaces
    from flowalpr.lab.datasets.synthetic.layout import Cell

    Picture = NDArray[np.uint8]


BLANK = np.zeros((HEIGHT, HEIGHT // 4), np.uint8)
DASH = np.zeros_like(BLANK)
DASH[HEIGHT // 2 - 4 : HEIGHT // 2 + 4] = 255
GAP = np.zeros((HEIGHT, HEIGHT // 6), np.uint8)
"""Between two small characters."""


class Box(NamedTuple):
    """A region of a picture in pixels."""

    left: int
    top: int
    right: int
    bottom: int


class Sheet(NamedTuple):
    """A plate being drawn, and what it is drawn with."""

    image: Picture
    """uint8, (height, width, 3), BGR: ground, pictures, decoys."""
    mask: Picture
    """uint8, (height, width): 255 where ink will be."""
    face: Typeface
    """The hand of the plate's text."""
    faces: Typefaces
    rng: np.random.Generator


def set_row(sheet: Sheet, cells: list[Cell], region: Box, share: float) -> None:
    """Sets one row of cells into its region: characters into the mask, decoys into the picture.

    Characters have about `share` (0..1) of the region's height.
    """
    rng = sheet.rng
    height = max(8, int((region.bottom - region.top) * share))
    tracking = float(rng.uniform(0.08, 0.24)) * height
    equal = height * float(rng.uniform(0.5, 0.66)) if rng.random() < 0.35 else 0.0
    shapes = [_shape(cell, height, sheet) for cell in cells]
    inks = [shape.shape[1] * height / shape.shape[0] for shape in shapes]
    wide = [max(ink, equal) if cell.kind == "character" else ink for cell, ink in zip(cells, inks, strict=True)]
    room = (region.right - region.left) * float(rng.uniform(0.82, 0.96))
    natural = sum(wide) + tracking * max(0, len(wide) - 1)
    squeeze = float(np.clip(room / natural, 0.5, rng.uniform(1.0, 1.35)))
    if natural * squeeze > room:
        height = max(8, int(height * room / (natural * squeeze)))
        squeeze = room / natural
    free = (region.right - region.left) - natural * squeeze
    x = region.left + free * (0.5 if rng.random() < 0.8 else float(rng.uniform(0.1, 0.9)))
    y = region.top + (region.bottom - region.top - height) // 2
    for cell, shape, ink, width in zip(cells, shapes, inks, wide, strict=True):
        left = max(0, int(x + (width - ink) * squeeze / 2))
        size = (max(1, int(ink * squeeze)), height)
        x += (width + tracking) * squeeze
        fitted = np.asarray(cv2.resize(shape, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        part = sheet.mask[y : y + height, left : left + size[0]]
        fitted = fitted[: part.shape[0], : part.shape[1]]
        if cell.kind == "decoy":
            decoy(sheet.image[y : y + height, left : left + size[0]], fitted, rng)
        else:
            np.maximum(part, fitted, out=part)


def _shape(cell: Cell, height: int, sheet: Sheet) -> Picture:
    """A cell's ink, to be scaled to `height`: uint8, (any height, width)."""
    rng = sheet.rng
    if cell.kind == "character":
        return _hand(cell.text, sheet).glyph(cell.text)
    if cell.kind == "decoy":
        return picture_of(int(height * rng.uniform(0.3, 0.8)), height, rng)
    if cell.kind == "stack":
        return _stack(cell.text, height, [_hand(c, sheet) for c in cell.text])
    if cell.kind == "small" and cell.text:
        return _small(cell.text, height, float(rng.uniform(0.4, 0.7)), sheet.face)
    width = max(2, int(height * rng.uniform(0.15, 0.4)))
    empty = np.zeros((height, width), np.uint8)
    if cell.kind in ("dash", "dot"):
        middle = height // 2 if cell.kind == "dash" or rng.random() < 0.5 else height - height // 10
        thick = max(1, int(height * rng.uniform(0.04, 0.09)))
        long, centre = width // (2 if cell.kind == "dash" else 5), width // 2
        cv2.rectangle(empty, (centre - long, middle - thick), (centre + long, middle + thick), 255, -1)
    return empty


def _hand(character: str, sheet: Sheet) -> Typeface:
    """The plate's own typeface, or one of another script if the character is of that."""
    script = script_of(character)
    return sheet.faces.pick(script, 0.0, sheet.rng) if script else sheet.face


def _stack(text: str, height: int, hands: list[Typeface]) -> Picture:
    """Two small characters, one above the other."""
    size = height * 9 // 20
    upper, lower = (small_line(c, size, hand) for c, hand in zip(text, hands, strict=True))
    both = np.zeros((height, max(upper.shape[1], lower.shape[1])), np.uint8)
    both[:size, : upper.shape[1]] = upper
    both[height - size :, : lower.shape[1]] = lower
    return both


def _small(text: str, height: int, size: float, face: Typeface) -> Picture:
    """Small characters at the upper edge, after a dash if the text has one."""
    marks = text.replace("-", "").replace("*", "")
    piece = small_line(marks or "0", int(height * size), face)
    gap = height // 5
    whole = np.zeros((height, piece.shape[1] + gap), np.uint8)
    whole[: piece.shape[0], gap:] = piece
    if "-" in text:
        cv2.rectangle(whole, (0, piece.shape[0] // 2), (height // 6, piece.shape[0] // 2 + 1), 255, -1)
    return whole


def small_line(words: str, height: int, face: Typeface) -> Picture:
    """A small line of text: uint8, (height, width), 255 in the ink."""
    pieces: list[Picture] = []
    for character in words:
        glyph = face.glyph(character.upper()) if character.isalnum() else DASH if character == "-" else BLANK
        pieces += [glyph, GAP]
    long = np.concatenate(pieces, 1)
    size = (max(1, long.shape[1] * height // HEIGHT), height)
    return np.asarray(cv2.resize(long, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def script_of(character: str) -> str:
    """Group of typefaces for a character outside A-Z and 0-9; empty for those inside."""
    if "가" <= character <= "힣":
        return "hangul"
    return "han" if "一" <= character <= "鿿" else ""


def blend(region: Picture, mask: Picture, ink: NDArray[np.float32]) -> None:
    """Paints `ink` onto a region, in place, where the mask is set; a mask that is too large is cut."""
    alpha = mask[: region.shape[0], : region.shape[1], None].astype(np.int16) >> 1
    alpha += alpha >> 6  # 0..128: times a difference of colours that still fits 16 bits, and divided by a shift
    part = region[: alpha.shape[0], : alpha.shape[1]]
    change = ink.astype(np.int16) - part
    change *= alpha
    change >>= 7
    change += part
    part[:] = change
