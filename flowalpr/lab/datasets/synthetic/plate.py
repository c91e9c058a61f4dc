"""Draws a plate as a draughtsman would: flat, whole and clean; `degrade.py` and `crop.py` do the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from flowalpr.lab.datasets.synthetic.decor import (
    decoy,
    emboss,
    graphics,
    picture_of,
    screws,
    sticker,
)
from flowalpr.lab.datasets.synthetic.glyphs import HEIGHT, Typefaces
from flowalpr.lab.datasets.synthetic.layout import Cell, Layout, Strip, fill, load_layouts, pick, write

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from flowalpr.lab.datasets.synthetic.glyphs import Typeface

    Picture = NDArray[np.uint8]

OWN_STROKES = 0.25
"""Part of the plates written in our own varied strokes; a trial gained most with them beside some 60 faces."""


class Plate(NamedTuple):
    """A drawn plate and its truth."""

    image: Picture
    """uint8, (height, width, 3), BGR; 56 to 130 pixels high, without anything around it."""
    text: str
    """What is to be read: upper case, no blanks or marks; both rows joined."""
    country: str | None
    """Country code, or None if the layout is used in several."""
    rows: int
    """1 or 2."""


class Box(NamedTuple):
    """A region of a picture in pixels."""

    left: int
    top: int
    right: int
    bottom: int


class Drawer:
    """Draws plates of all layouts by their weights.

    The one way in for scenes: `Drawer().render_plate(rng)`. The same generator state gives the same plate.
    """

    def __init__(self, layouts: list[Layout] | None = None, faces: Typefaces | None = None) -> None:
        self.faces = faces or Typefaces()
        known = layouts or load_layouts()
        # Without a typeface for its script a layout cannot be drawn.
        self._layouts = [x for x in known if all(self.faces.has(s) for s in _scripts(x))]
        weights = np.array([layout.weight for layout in self._layouts])
        self._chances = np.cumsum(weights / weights.sum())

    def render_plate(self, rng: np.random.Generator) -> Plate:
        """A plate of a layout chosen by weight."""
        index = int(np.searchsorted(self._chances, rng.random() * self._chances[-1]))
        return draw(self._layouts[index], self.faces, rng)


def draw(layout: Layout, faces: Typefaces, rng: np.random.Generator) -> Plate:
    """A plate of this layout."""
    written = write(layout, rng)
    height = int(rng.integers(56, 84) if len(written.rows) == 1 else rng.integers(84, 130))
    width = int(height * layout.size[0] / layout.size[1] * rng.uniform(0.92, 1.08))
    ground, ink = (_varied(colour(c), rng) for c in pick(layout.colours, rng))
    image = _ground(height, width, ground, rng)
    if rng.random() < layout.graphics:
        graphics(image, ground, rng)
    left, right = 0, width
    if layout.strip and rng.random() < layout.strip.chance:
        left = int(width * layout.strip.width)
        _strip(image[:, :left], layout.strip, faces, rng)
    if layout.right and rng.random() < layout.right.chance:
        right = int(width * (1 - layout.right.width))
        _strip(image[:, right:], layout.right, faces, rng)
    mask = np.zeros((height, width), np.uint8)
    top, bottom = _captions(image, mask, layout, Box(left, 0, right, height), faces, rng)
    if rng.random() < layout.border:
        inset = int(rng.integers(1, 4))
        cv2.rectangle(mask, (inset, inset), (width - 1 - inset, height - 1 - inset), 255, int(rng.integers(1, 3)))
    face = faces.pick(pick(layout.faces, rng), OWN_STROKES, rng)
    edges = np.linspace(top, bottom, len(written.rows) + 1)
    if len(written.rows) == 2:
        edges[1] += rng.normal(0, 0.03) * height
    size = float(layout.height * rng.uniform(0.66, 0.92))
    for row, above, below in zip(written.rows, edges[:-1], edges[1:], strict=True):
        _row(image, mask, row, Box(left, int(above), right, int(below)), size, face, faces, rng)
    image = _inked(image, mask, ink, rng)
    if rng.random() < layout.emboss:
        emboss(image, mask, rng)
    screws(image, rng)
    if rng.random() < layout.stickers:
        sticker(image, rng)
    return Plate(image, written.text, layout.country, len(written.rows))


def colour(text: str) -> NDArray[np.float32]:
    """The colour `#rrggbb` as float32, (3,), BGR, 0..255."""
    return np.array([int(text[k : k + 2], 16) for k in (5, 3, 1)], np.float32)


def _scripts(layout: Layout) -> set[str]:
    """Groups of typefaces that a layout's script cannot do without."""
    signs = "".join([*layout.words.values(), *layout.patterns])
    found = {_script(c) for c in signs}
    return {s for s in found if s}


def _script(character: str) -> str:
    """Group of typefaces for a character outside A-Z and 0-9; empty for those inside."""
    if "가" <= character <= "힣":
        return "hangul"
    return "han" if "一" <= character <= "鿿" else ""


def _varied(base: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    return np.clip(base + rng.normal(0, 10) + rng.normal(0, 5, 3), 0, 255).astype(np.float32)


def _ground(height: int, width: int, base: NDArray[np.float32], rng: np.random.Generator) -> Picture:
    """The empty plate, a little brighter on one side."""
    slope = np.linspace(-1, 1, height)[:, None, None] * rng.normal(0, 8)
    slope = slope + np.linspace(-1, 1, width)[None, :, None] * rng.normal(0, 8)
    return np.asarray(np.clip(base + slope, 0, 255), dtype=np.uint8)


def _strip(region: Picture, strip: Strip, faces: Typefaces, rng: np.random.Generator) -> None:
    """Fills an end of the plate with its band, stars and letters."""
    height, width = region.shape[:2]
    region[:] = _varied(colour(strip.colour), rng).astype(np.uint8)
    ink = _varied(colour(strip.ink), rng)
    if rng.random() < strip.graphic:
        shape = picture_of(width, int(height * 0.5), rng)
        _blend(region[int(height * 0.2) : int(height * 0.2) + shape.shape[0]], shape, ink)
    elif rng.random() < 0.8:
        centre, radius = (width // 2, int(height * 0.33)), max(2, int(width * 0.3))
        for angle in range(0, 360, 45):
            turn = np.deg2rad(angle)
            star = (int(centre[0] + radius * np.cos(turn)), int(centre[1] + radius * np.sin(turn)))
            cv2.circle(region, star, 1, ink.tolist(), -1)
    letters = fill(strip.text, "ABCDEF", rng)
    if letters:
        line = _line(letters, max(5, int(height * 0.2)), faces.pick("grotesk", 0.0, rng))[:, :width]
        x, y = (width - line.shape[1]) // 2, int(height * rng.uniform(0.6, 0.75))
        _blend(region[y : y + line.shape[0], x : x + line.shape[1]], line, ink)


def _captions(
    image: Picture, mask: Picture, layout: Layout, inside: Box, faces: Typefaces, rng: np.random.Generator
) -> tuple[int, int]:
    """Writes the small lines above and below; gives top and bottom of what is left for the text."""
    height = inside.bottom
    top, bottom = int(height * 0.06), int(height * 0.94)
    for words, above in ((pick(layout.top, rng), True), (pick(layout.bottom, rng), False)):
        if not words:
            continue
        size = int(height * rng.uniform(0.12, 0.19))
        line = _line(words, size, faces.pick(pick(["grotesk", "serif", "road"], rng), 0.1, rng))
        room = inside.right - inside.left - 8
        if line.shape[1] > room:
            line = np.asarray(cv2.resize(line, (room, line.shape[0]), interpolation=cv2.INTER_AREA), dtype=np.uint8)
        x = inside.left + (inside.right - inside.left - line.shape[1]) // 2
        y = int(height * 0.05) if above else int(height * 0.95) - line.shape[0]
        if above and layout.band:
            image[: y + size + 3, inside.left : inside.right] = colour(layout.band).astype(np.uint8)
            _blend(image[y : y + line.shape[0], x : x + line.shape[1]], line, np.full(3, 240, np.float32))
        else:
            part = mask[y : y + line.shape[0], x : x + line.shape[1]]
            np.maximum(part, line, out=part)
        if above:
            top = y + size + 3
        else:
            bottom = y - 2
    return top, bottom


def _line(words: str, height: int, face: Typeface) -> Picture:
    """A small line of text: uint8, (height, width), 255 in the ink."""
    blank = np.zeros((HEIGHT, HEIGHT // 3), np.uint8)
    dash = blank.copy()
    dash[HEIGHT // 2 - 4 : HEIGHT // 2 + 4, :-6] = 255
    pieces = [
        np.pad(face.glyph(c.upper()), ((0, 0), (0, HEIGHT // 6))) if c.isalnum() else dash if c == "-" else blank
        for c in words
    ]
    long = np.concatenate(pieces, 1)
    size = (max(1, long.shape[1] * height // HEIGHT), height)
    return np.asarray(cv2.resize(long, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _row(
    image: Picture,
    mask: Picture,
    cells: list[Cell],
    region: Box,
    size: float,
    face: Typeface,
    faces: Typefaces,
    rng: np.random.Generator,
) -> None:
    """Sets one row of cells into its region: characters into the mask, decoys into the picture."""
    height = max(8, int((region.bottom - region.top) * size))
    tracking = float(rng.uniform(0.08, 0.24)) * height
    equal = height * float(rng.uniform(0.5, 0.66)) if rng.random() < 0.35 else 0.0
    shapes = [_shape(cell, height, face, faces, rng) for cell in cells]
    wide = [max(s.shape[1], equal) if c.kind == "character" else s.shape[1] for c, s in zip(cells, shapes, strict=True)]
    room = (region.right - region.left) * float(rng.uniform(0.82, 0.96))
    natural = sum(wide) + tracking * max(0, len(wide) - 1)
    squeeze = float(np.clip(room / natural, 0.5, rng.uniform(1.0, 1.35)))
    if natural * squeeze > room:
        height = max(8, int(height * room / (natural * squeeze)))
        squeeze = room / natural
    free = (region.right - region.left) - natural * squeeze
    x = region.left + free * (0.5 if rng.random() < 0.8 else float(rng.uniform(0.1, 0.9)))
    y = region.top + (region.bottom - region.top - height) // 2
    for cell, shape, width in zip(cells, shapes, wide, strict=True):
        fitted = (max(1, int(shape.shape[1] * squeeze)), height)
        left = int(x + (width - shape.shape[1]) * squeeze / 2)
        x += (width + tracking) * squeeze
        shape = np.asarray(cv2.resize(shape, fitted, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        part = mask[y : y + height, max(0, left) : left + fitted[0]]
        shape = shape[: part.shape[0], : part.shape[1]]
        if cell.kind == "decoy":
            decoy(image[y : y + height, max(0, left) : left + fitted[0]], shape, rng)
        else:
            np.maximum(part, shape, out=part)


def _shape(cell: Cell, height: int, face: Typeface, faces: Typefaces, rng: np.random.Generator) -> Picture:
    """A cell's ink: uint8, (height, width)."""
    if cell.kind == "character":
        script = _script(cell.text)
        glyph = (faces.pick(script, 0.0, rng) if script else face).glyph(cell.text)
        width = max(2, glyph.shape[1] * height // HEIGHT)
        return np.asarray(cv2.resize(glyph, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    if cell.kind == "decoy":
        return picture_of(int(height * rng.uniform(0.3, 0.8)), height, rng)
    empty = np.zeros((height, max(2, int(height * rng.uniform(0.15, 0.4)))), np.uint8)
    if cell.kind in ("dash", "dot"):
        middle = height // 2 if cell.kind == "dash" or rng.random() < 0.5 else height - height // 10
        thick = max(1, int(height * rng.uniform(0.04, 0.09)))
        long = empty.shape[1] // (2 if cell.kind == "dash" else 5)
        centre = empty.shape[1] // 2
        cv2.rectangle(empty, (centre - long, middle - thick), (centre + long, middle + thick), 255, -1)
    elif cell.kind == "stack":
        small = height * 9 // 20
        hands = [faces.pick(_script(c), 0.0, rng) if _script(c) else face for c in cell.text]
        pair = [_line(c, small, hand) for c, hand in zip(cell.text, hands, strict=True)]
        both = np.zeros((height, max(p.shape[1] for p in pair)), np.uint8)
        both[:small, : pair[0].shape[1]] = pair[0]
        both[height - small :, : pair[1].shape[1]] = pair[1]
        return both
    elif cell.kind == "small" and cell.text:
        marks = cell.text.replace("-", "").replace("*", "")
        line = _line(marks or "0", int(height * rng.uniform(0.4, 0.7)), face)
        empty = np.zeros((height, line.shape[1] + height // 5), np.uint8)
        empty[: line.shape[0], height // 5 :] = line
        if "-" in cell.text:
            cv2.rectangle(empty, (0, line.shape[0] // 2), (height // 6, line.shape[0] // 2 + 1), 255, -1)
    return empty


def _inked(image: Picture, mask: Picture, ink: NDArray[np.float32], rng: np.random.Generator) -> Picture:
    """The picture with the mask printed on it, in strokes a little fatter or thinner."""
    chance = rng.random()
    if chance < 0.2:
        mask = np.asarray(cv2.dilate(mask, np.ones((2, 2), np.uint8)), dtype=np.uint8)
    elif chance < 0.3:
        mask = np.asarray(cv2.erode(mask, np.ones((2, 2), np.uint8)), dtype=np.uint8)
    _blend(image, mask, ink)
    return image


def _blend(region: Picture, mask: Picture, ink: NDArray[np.float32]) -> None:
    """Paints `ink` onto a region, in place, where the mask is set; a mask that is too large is cut."""
    alpha = mask[: region.shape[0], : region.shape[1], None].astype(np.uint16)
    part = region[: alpha.shape[0], : alpha.shape[1]]
    part[:] = ((part * (255 - alpha) + ink.astype(np.uint16) * alpha) // 255).astype(np.uint8)
