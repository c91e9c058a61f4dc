"""Plates for the reader to learn from: real ones cut out of labelled pictures, and how they become examples."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from flowalpr.lab.datasets.sample import Plate, decoded, load
from flowalpr.lab.datasets.synthetic.crop import Crop, jittered, rectified
from flowalpr.vision.geometry import corners_of, widen
from flowalpr.vision.image import Picture, rectify
from flowalpr.vision.image import load as load_picture

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CROPS = "crops.jsonl"
"""Beside `labels.jsonl`: the same plates cut out at a higher resolution, one a line with file, box and text."""
TALLEST = 160
"""Pixels of a plate's height that are kept in memory; the network sees 48."""
AROUND = 0.4
"""Share of a plate's size that is kept around it, for cutting it out anew."""
KOREAN_SHORT = 3.0
"""Korean plates less wide than this many times their height have two rows; the long ones measure 520 x 110 mm."""
ISO = {"D": "DE"}
"""Codes of labels that are no ISO codes."""


class RealPlate(NamedTuple):
    """A labelled plate with some of its surroundings."""

    image: Picture
    """uint8, (height, width, 3), BGR."""
    box: tuple[float, float, float, float]
    """Left, top, width, height in pixels of `image`."""
    corners: NDArray[np.float32] | None
    """float32, (4, 2), clockwise from the plate's left top, or None."""
    text: str
    country: str | None
    rows: int
    """1 or 2."""

    def cut(self, margin: float) -> Picture:
        """The plate as a flow cuts it out: rectified if its corners are known, else by its box."""
        x, y, width, height = self.box
        corners = self.corners
        if corners is None:
            corners = corners_of(np.array([[x, y, x + width, y + height]], np.float32))[0]
        corners = widen(corners, margin, margin)
        sides = np.linalg.norm(corners - np.roll(corners, -1, 0), axis=1)
        size = (max(4, round(float(sides[[0, 2]].max()))), max(4, round(float(sides[[1, 3]].max()))))
        return rectify(self.image, corners, size)

    def view(self, margin: float, rng: np.random.Generator) -> Crop:
        """The plate cut out as by a detector that errs a little."""
        if self.corners is not None and rng.random() < 0.8:
            image = rectified(self.image, self.corners, margin, rng)
        else:
            image = jittered(self.image, self.box, margin, rng)
        return Crop(image, self.text, self.country, self.rows)


class Census(NamedTuple):
    """How many plates of a data set a reader can learn from, and what keeps it from the others."""

    folder: Path
    plates: int
    usable: int
    no_text: int
    no_box: int
    outside: int
    """Plates with a character that is not in the alphabet."""
    lacking: str
    """Those characters."""

    def __str__(self) -> str:
        """One line, for whoever trains."""
        reasons = (
            (self.no_text, "have no text"),
            (self.no_box, "have no box (`flowalpr data label` finds it)"),
            (self.outside, f"have characters that `alphabet` lacks: {' '.join(self.lacking)}"),
        )
        left_out = "".join(f"; {count} {why}" for count, why in reasons if count)
        return f"{self.folder}: {self.usable} of {self.plates} plates{left_out}"


def census(folder: Path, alphabet: str) -> Census:
    """Counts the plates of a data set by whether a reader can learn from them.

    Raises:
        DataError: the folder holds no data set, or a wrong one.
    """
    plates = [plate for sample in load(folder) for plate in sample.plates]
    placed = [plate for plate in plates if plate.text and (plate.box or plate.corners)]
    outside = [set(plate.text or "") - set(alphabet) for plate in placed]
    no_text = sum(not plate.text for plate in plates)
    strange = sum(map(bool, outside))
    no_box = len(plates) - no_text - len(placed)
    lacking = "".join(sorted(set().union(*outside)))
    return Census(folder, len(plates), len(placed) - strange, no_text, no_box, strange, lacking)


def real_plates(folder: Path, alphabet: str) -> Iterator[RealPlate]:
    """All plates of a data set whose text is known and within the alphabet.

    Raises:
        DataError: the folder holds no data set, or a wrong one, or a picture cannot be decoded.
    """
    dataset = load(folder)
    large = dataset.folder / CROPS
    if large.is_file():
        for line in large.read_text(encoding="utf-8").splitlines():
            label = json.loads(line)
            plate = Plate.model_validate({key: value for key, value in label.items() if key != "file"})
            if _is_readable(plate.text, alphabet):
                yield _plate(load_picture(dataset.folder / label["file"]), plate)
    for sample in dataset:
        # Where a larger picture of the plate is there already, this one only adds its corners.
        plates = [p for p in sample.plates if _is_readable(p.text, alphabet) and (p.corners or not large.is_file())]
        picture = decoded(dataset, sample) if plates else None
        for plate in plates:
            if picture is not None and (plate.box or plate.corners):
                yield _plate(picture, plate)


def chances(plates: Sequence[RealPlate], balance: float, two_rows: float) -> NDArray[np.float64]:
    """Cumulated chances to draw each plate, the last one 1.

    Countries with many plates are drawn less often than their number says, by that number to the power of
    `-balance` (0 not at all, 1 all countries alike); those with two rows `two_rows` times as often.
    """
    counts = Counter(plate.country for plate in plates)
    weights = [counts[p.country] ** -balance * (two_rows if p.rows == 2 else 1.0) for p in plates]
    summed = np.cumsum(np.array(weights) / sum(weights))
    summed[-1] = 1.0
    return summed


def upright(corners: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same corners, (4, 2), from the plate's left top on: rotated rectangles often begin at another one.

    The long sides are taken for the upper and lower ones, and the upper one runs to the right.
    """
    if np.linalg.norm(corners[1] - corners[0]) < np.linalg.norm(corners[2] - corners[1]):
        corners = np.roll(corners, -1, 0)
    return corners if corners[1, 0] > corners[0, 0] else np.roll(corners, -2, 0)


def _is_readable(text: str | None, alphabet: str) -> bool:
    return bool(text) and all(character in alphabet for character in text or "")


def _plate(picture: Picture, label: Plate) -> RealPlate:
    """A labelled plate with its surroundings, no taller than it needs to be in memory."""
    corners = None if label.corners is None else upright(np.array(label.corners, np.float32))
    around = (0, 0, 1, 1) if corners is None else (*corners.min(0), *np.ptp(corners, axis=0))
    x, y, width, height = (float(value) for value in label.box or around)
    left, top = max(0, int(x - width * AROUND)), max(0, int(y - height * AROUND))
    part = picture[top : int(y + height * (1 + AROUND)) + 1, left : int(x + width * (1 + AROUND)) + 1].copy()
    scale = min(1.0, TALLEST / height)
    if scale < 1:
        part = np.asarray(cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    moved = None if corners is None else (corners - np.array([left, top], np.float32)) * np.float32(scale)
    box = ((x - left) * scale, (y - top) * scale, width * scale, height * scale)
    country = ISO.get(label.country or "", label.country)
    return RealPlate(part, box, moved, label.text or "", country, label.rows or _rows(label.text or "", width / height))


def _rows(text: str, ratio: float) -> int:
    """Rows of a plate whose label does not say: one, but for Korean plates of the short kind, 335 x 170 mm."""
    return 2 if ratio < KOREAN_SHORT and any("가" <= sign <= "힣" for sign in text) else 1
