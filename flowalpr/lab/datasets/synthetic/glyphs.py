"""Letter shapes for synthetic plates: typefaces found on this machine and strokes of our own.

A glyph is uint8, (64, width), 0 outside and 255 inside the ink, cut to the ink on all sides.
"""

from __future__ import annotations

import fnmatch
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from ruamel.yaml import YAML

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEIGHT = 64
"""Pixels of a glyph from foot to head."""
FOLDERS = (Path("/usr/share/fonts"), Path("../shared/data/fonts"))
"""Where typefaces are looked for unless a recipe says otherwise."""
OWN_FACES = 400
"""Variations of our own strokes; more would only cost memory."""
HERE = Path(__file__).parent
PLAIN = str.maketrans("ÄÖÜ", "AOU")
"""Our strokes have no dots for umlauts."""


class Typeface(Protocol):
    """Gives the glyphs of one hand."""

    def glyph(self, character: str) -> NDArray[np.uint8]:
        """The shape of one character."""


class FontFace:
    """A typeface of a font file."""

    def __init__(self, path: Path) -> None:
        self._font = ImageFont.truetype(str(path), HEIGHT + 8)
        self._glyphs: dict[str, NDArray[np.uint8]] = {}

    def glyph(self, character: str) -> NDArray[np.uint8]:
        """The shape of one character."""
        if character not in self._glyphs:
            self._glyphs[character] = self._drawn(character)
        return self._glyphs[character]

    def _drawn(self, character: str) -> NDArray[np.uint8]:
        left, top, right, bottom = self._font.getbbox(character)
        picture = Image.new("L", (max(1, int(right - left)), max(1, int(bottom - top))))
        ImageDraw.Draw(picture).text((-left, -top), character, fill=255, font=self._font)
        return _to_height(np.asarray(picture, dtype=np.uint8))


class StrokeFace:
    """Our own letters: a skeleton per character, drawn with a pen and proportions that `seed` chooses."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self._pen = int(rng.integers(6, 15))
        self._wide = float(rng.uniform(0.38, 0.72))
        self._slant = float(rng.normal(0, 0.05))
        self._round = int(rng.integers(0, 4))
        self._wobble = float(rng.choice([0.0, 0.0, 0.15]))
        self._square_ends = bool(rng.random() < 0.5)
        self._plain_one = bool(rng.random() < 0.4)
        self._angular_two = bool(rng.random() < 0.3)
        self._seed = seed
        self._glyphs: dict[str, NDArray[np.uint8]] = {}

    def glyph(self, character: str) -> NDArray[np.uint8]:
        """The shape of one character."""
        if character not in self._glyphs:
            self._glyphs[character] = self._drawn(character)
        return self._glyphs[character]

    def _drawn(self, character: str) -> NDArray[np.uint8]:
        name = character.translate(PLAIN)
        if character == "1" and self._plain_one:
            name = "1 plain"
        elif character == "2" and self._angular_two:
            name = "2 angular"
        # Each character has its own noise, so that it looks the same whichever is drawn first.
        rng = np.random.default_rng([self._seed, ord(character)])
        canvas = np.zeros((HEIGHT + 48, 112), np.uint8)
        for stroke in _skeletons()[name]:
            points = np.array(stroke, float) + rng.normal(0, self._wobble, (len(stroke), 2))
            for _ in range(self._round):
                points = _rounded(points)
            points *= (HEIGHT * self._wide / 4, HEIGHT / 6)
            points[:, 0] += self._slant * (HEIGHT - points[:, 1])
            line = np.round((points + 24) * 16).astype(np.int32)
            cv2.polylines(canvas, [line], False, 255, self._pen, cv2.LINE_AA, 4)
        if self._square_ends:
            canvas = cv2.erode(cv2.dilate(canvas, np.ones((5, 5))), np.ones((5, 5))).astype(np.uint8)
        return _to_height(canvas)


class Typefaces:
    """All typefaces at hand, by the groups of `typefaces.yaml`; our own strokes belong to every Latin group."""

    def __init__(self, folders: tuple[Path, ...] = FOLDERS) -> None:
        files = {f.name: f for folder in folders for f in sorted(folder.rglob("*.[to]t[fc]"))}
        groups = YAML(typ="safe", pure=True).load((HERE / "typefaces.yaml").read_text(encoding="utf-8"))
        self._groups = {
            group: sorted({str(files[n]) for p in patterns for n in fnmatch.filter(files, p)})
            for group, patterns in groups.items()
        }
        self._faces: dict[str | int, Typeface] = {}

    def has(self, group: str) -> bool:
        """Whether a typeface of that group is installed."""
        return bool(self._groups.get(group))

    def pick(self, group: str, own: float, rng: np.random.Generator) -> Typeface:
        """One typeface of a group, or with the chance `own` (0..1), or if none is installed, one of ours."""
        files = self._groups.get(group, [])
        ours = not files or rng.random() < own
        key = int(rng.integers(OWN_FACES)) if ours else files[int(rng.integers(len(files)))]
        if key not in self._faces:
            self._faces[key] = StrokeFace(key) if isinstance(key, int) else FontFace(Path(key))
        return self._faces[key]


def _to_height(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture cut to its ink and scaled to the height of all glyphs; dashes keep their shape."""
    rows, columns = np.flatnonzero(picture.max(1) > 40), np.flatnonzero(picture.max(0) > 40)
    if not rows.size:
        return np.zeros((HEIGHT, 8), np.uint8)
    ink = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    width = max(4, round(ink.shape[1] * HEIGHT / ink.shape[0]))
    resized = cv2.resize(ink, (min(width, 2 * HEIGHT), HEIGHT), interpolation=cv2.INTER_LINEAR)
    return np.asarray(resized, dtype=np.uint8)


def _rounded(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Corners cut once as Chaikin does; repeated, the line becomes a curve. The ends stay."""
    if len(points) < 3:
        return points
    ahead, behind = points[:-1] * 0.75 + points[1:] * 0.25, points[:-1] * 0.25 + points[1:] * 0.75
    middle = np.stack([ahead, behind], 1).reshape(-1, 2)
    return np.concatenate([points[:1], middle[1:-1], points[-1:]])


@lru_cache(maxsize=1)
def _skeletons() -> dict[str, list[list[list[float]]]]:
    """The strokes of each character on a grid of 4 x 6, y downwards."""
    text = (HERE / "strokes.yaml").read_text(encoding="utf-8")
    found = YAML(typ="safe", pure=True).load(text)
    return {
        str(name): [[[float(v) for v in p.split(",")] for p in s.split()] for s in strokes]
        for name, strokes in found.items()
    }
