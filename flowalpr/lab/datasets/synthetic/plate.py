"""Draws a plate as a draughtsman would: flat, whole and clean; `degrade.py` and `crop.py` do the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from flowalpr.lab.datasets.synthetic.decor import emboss, graphics, picture_of, screws, sticker
from flowalpr.lab.datasets.synthetic.glyphs import Typefaces
from flowalpr.lab.datasets.synthetic.layout import Layout, Strip, Text, fill, load_layouts, pick, write
from flowalpr.lab.datasets.synthetic.lettering import Box, Sheet, blend, script_of, set_row, small_line

if TYPE_CHECKING:
    from numpy.typing import NDArray

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


class Drawer:
    """Draws plates of all layouts by their weights.

    The one way in for scenes: `Drawer().render_plate(rng)`. The same generator state gives the same plate.
    """

    def __init__(
        self, layouts: list[Layout] | None = None, faces: Typefaces | None = None, alphabet: str | None = None
    ) -> None:
        """Takes all layouts in the box unless told otherwise; texts stay within `alphabet` if it is given.

        Raises:
            ValueError: no layout can be drawn with these typefaces and this alphabet.
        """
        self.faces = faces or Typefaces()
        self._alphabet = None if alphabet is None else set(alphabet)
        self._layouts = [layout for layout in layouts or load_layouts() if self._can_draw(layout)]
        if not self._layouts:
            raise ValueError("no layout can be drawn with these typefaces and this alphabet")
        weights = np.array([layout.weight for layout in self._layouts])
        self._chances = np.cumsum(weights / weights.sum())

    def render_plate(self, rng: np.random.Generator) -> Plate:
        """A plate of a layout chosen by weight."""
        while True:
            index = int(np.searchsorted(self._chances, rng.random() * self._chances[-1]))
            written = write(self._layouts[index], rng)
            # At most a few letters in the hundred are ever outside: those that a country does not use.
            if self._alphabet is None or self._alphabet.issuperset(written.text):
                return draw(self._layouts[index], written, self.faces, rng)

    def _can_draw(self, layout: Layout) -> bool:
        """Whether there is a typeface for its script, and some of its texts are within the alphabet."""
        signs = {sign for text in (*layout.words.values(), *layout.patterns) for sign in text}
        rng = np.random.default_rng(0)
        return all(self.faces.has(script) for script in map(script_of, signs) if script) and (
            self._alphabet is None or any(self._alphabet.issuperset(write(layout, rng).text) for _ in range(20))
        )


def draw(layout: Layout, written: Text, faces: Typefaces, rng: np.random.Generator) -> Plate:
    """A plate of this layout with that text on it."""
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
    sheet = Sheet(image, mask, faces.pick(pick(layout.faces, rng), OWN_STROKES, rng), faces, rng)
    top, bottom = _captions(sheet, layout, Box(left, 0, right, height))
    if rng.random() < layout.border:
        inset = int(rng.integers(1, 4))
        cv2.rectangle(mask, (inset, inset), (width - 1 - inset, height - 1 - inset), 255, int(rng.integers(1, 3)))
    edges = np.linspace(top, bottom, len(written.rows) + 1)
    if len(written.rows) == 2:
        edges[1] += rng.normal(0, 0.03) * height
    size = float(layout.height * rng.uniform(0.66, 0.92))
    for row, above, below in zip(written.rows, edges[:-1], edges[1:], strict=True):
        set_row(sheet, row, Box(left, int(above), right, int(below)), size)
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


def _varied(base: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    return np.clip(base + rng.normal(0, 10) + rng.normal(0, 5, 3), 0, 255).astype(np.float32)


def _ground(height: int, width: int, base: NDArray[np.float32], rng: np.random.Generator) -> Picture:
    """The empty plate, a little brighter on one side."""
    down, across = (np.linspace(-1, 1, n, dtype=np.float32) * np.float32(rng.normal(0, 8)) for n in (height, width))
    shade = (down[:, None] + across[None]).astype(np.int16)
    channels = [cv2.add(shade, np.full_like(shade, value), dtype=cv2.CV_8U) for value in base]
    return np.asarray(cv2.merge(channels), dtype=np.uint8)


def _strip(region: Picture, strip: Strip, faces: Typefaces, rng: np.random.Generator) -> None:
    """Fills an end of the plate with its band, stars and letters."""
    height, width = region.shape[:2]
    region[:] = _varied(colour(strip.colour), rng).astype(np.uint8)
    ink = _varied(colour(strip.ink), rng)
    if rng.random() < strip.graphic:
        shape = picture_of(width, int(height * 0.5), rng)
        blend(region[int(height * 0.2) : int(height * 0.2) + shape.shape[0]], shape, ink)
    elif rng.random() < 0.8:
        centre, radius = (width // 2, int(height * 0.33)), max(2, int(width * 0.3))
        for angle in range(0, 360, 45):
            turn = np.deg2rad(angle)
            star = (int(centre[0] + radius * np.cos(turn)), int(centre[1] + radius * np.sin(turn)))
            cv2.circle(region, star, 1, ink.tolist(), -1)
    letters = fill(strip.text, "ABCDEF", rng)
    if letters:
        line = small_line(letters, max(5, int(height * 0.2)), faces.pick("grotesk", 0.0, rng))[:, :width]
        x, y = (width - line.shape[1]) // 2, int(height * rng.uniform(0.6, 0.75))
        blend(region[y : y + line.shape[0], x : x + line.shape[1]], line, ink)


def _captions(sheet: Sheet, layout: Layout, inside: Box) -> tuple[int, int]:
    """Writes the small lines above and below; gives top and bottom of what is left for the text."""
    image, mask, rng = sheet.image, sheet.mask, sheet.rng
    height = inside.bottom
    top, bottom = int(height * 0.06), int(height * 0.94)
    for words, above in ((pick(layout.top, rng), True), (pick(layout.bottom, rng), False)):
        if not words:
            continue
        size = int(height * rng.uniform(0.12, 0.19))
        line = small_line(words, size, sheet.faces.pick(pick(["grotesk", "serif", "road"], rng), 0.1, rng))
        room = inside.right - inside.left - 8
        if line.shape[1] > room:
            line = np.asarray(cv2.resize(line, (room, line.shape[0]), interpolation=cv2.INTER_AREA), dtype=np.uint8)
        x = inside.left + (inside.right - inside.left - line.shape[1]) // 2
        y = int(height * 0.05) if above else int(height * 0.95) - line.shape[0]
        if above and layout.band:
            image[: y + size + 3, inside.left : inside.right] = colour(layout.band).astype(np.uint8)
            blend(image[y : y + line.shape[0], x : x + line.shape[1]], line, np.full(3, 240, np.float32))
        else:
            part = mask[y : y + line.shape[0], x : x + line.shape[1]]
            np.maximum(part, line, out=part)
        if above:
            top = y + size + 3
        else:
            bottom = y - 2
    return top, bottom


def _inked(image: Picture, mask: Picture, ink: NDArray[np.float32], rng: np.random.Generator) -> Picture:
    """The picture with the mask printed on it, in strokes a little fatter or thinner."""
    chance = rng.random()
    if chance < 0.2:
        mask = np.asarray(cv2.dilate(mask, np.ones((2, 2), np.uint8)), dtype=np.uint8)
    elif chance < 0.3:
        mask = np.asarray(cv2.erode(mask, np.ones((2, 2), np.uint8)), dtype=np.uint8)
    blend(image, mask, ink)
    return image
