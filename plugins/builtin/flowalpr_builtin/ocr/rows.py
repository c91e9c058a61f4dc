"""Reads single rows of plate characters with PP-OCRv6's recogniser."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import ceil, prod

import cv2
import numpy as np
from numpy.typing import NDArray

from flowalpr.plates.alphabet import DIGITS, LETTERS, normal
from flowalpr.vision.image import Picture, normalise
from flowalpr.vision.onnx import OnnxSession
from flowalpr_builtin.ocr.rapidocr_models import INPUT, model_file

HEIGHT = 48
"""Pixels of a row as the network wants it."""
PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领警学港澳挂"
"""First or last characters of Chinese plates: GA 36-2018, tables 3 and 4."""
ALPHABET = DIGITS + LETTERS + "ÄÖÜ" + PROVINCES
BATCH = 8
"""Rows read in one go at most: each takes up to 7 MB of likelihoods, and more at once are no faster on a CPU."""
STEP = 64
"""Rows are padded to a multiple of this many pixels, so that rows of about one width are read in one go."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one row says."""

    text: str
    confidences: tuple[float, ...]
    """One for each character, 0..1."""

    @property
    def confidence(self) -> float:
        """That all characters are right, 0..1; 0 for no text."""
        return prod(self.confidences) if self.text else 0.0

    def __add__(self, lower: Row) -> Row:
        return Row(self.text + lower.text, self.confidences + lower.confidences)


class RowReader:
    """Reads rows, some at a time."""

    def __init__(self) -> None:
        self._session = OnnxSession(model_file("PP-OCRv6_rec_small.onnx"))
        # Class 0 is the blank, then come the characters, then the space.
        classes = ["", *self._session.metadata["character"].splitlines(), " "]
        self._columns, self._starts = _columns(classes)

    def read(self, pictures: list[Picture]) -> list[Row]:
        """What each picture of one row says; uint8, (height, width, 3), BGR."""
        scaled = [_scaled(picture) for picture in pictures]
        alike = defaultdict(list)
        for index, picture in enumerate(scaled):
            alike[ceil(picture.shape[1] / STEP) * STEP].append(index)
        rows: dict[int, Row] = {}
        for width, indexes in alike.items():
            for first in range(0, len(indexes), BATCH):
                batch = indexes[first : first + BATCH]
                (likely,) = self._session.run(normalise([_padded(scaled[index], width) for index in batch], INPUT))
                known = np.add.reduceat(likely[:, :, self._columns], self._starts, axis=2)
                rows.update(zip(batch, map(_decoded, known), strict=True))
        return [rows[index] for index in range(len(pictures))]


def _columns(classes: list[str]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The network's classes in groups, that of the blank first, one after the other, and where each group begins.

    A class counts as the character that it is in a plate's normal form (small letters as capitals, Cyrillic ones as
    their Latin twins), and symbols as blanks. Characters of no plate are left out: what looks like one of them is
    read with a low confidence.
    """
    place = {character: number for number, character in enumerate(ALPHABET, start=1)}
    groups: list[list[int]] = [[] for _ in range(len(ALPHABET) + 1)]
    for index, character in enumerate(classes):
        plain = "1" if character == "l" else normal(character)  # A small l is seen where a 1 is a plain bar.
        if not plain:
            groups[0].append(index)
        elif plain in place:
            groups[place[plain]].append(index)
    starts = np.cumsum([0, *map(len, groups[:-1])])
    return np.concatenate([np.array(group, np.intp) for group in groups]), np.asarray(starts)


def _scaled(picture: Picture) -> Picture:
    """A row at the height that the network wants."""
    height, width = picture.shape[:2]
    size = (int(np.clip(round(width * HEIGHT / height), 16, 16 * HEIGHT)), HEIGHT)
    # Bilinear sampling skips pixels below a half, and thin strokes vanish.
    how = cv2.INTER_AREA if height > 2 * HEIGHT else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size, interpolation=how), dtype=np.uint8)


def _padded(picture: Picture, width: int) -> Picture:
    right = width - picture.shape[1]
    return np.asarray(cv2.copyMakeBorder(picture, 0, 0, 0, right, cv2.BORDER_CONSTANT, value=(128,) * 3), np.uint8)


def _decoded(likely: NDArray[np.float32]) -> Row:
    """The best text of float32, (steps, characters of the alphabet after the blank): repetitions are one character."""
    best = likely.argmax(axis=1)
    text = ""
    confidences: list[float] = []
    for step, each in enumerate(best):
        share = float(min(likely[step, each], 1.0))
        if each == 0:
            continue
        if step and best[step - 1] == each:
            confidences[-1] = max(confidences[-1], share)
        else:
            text += ALPHABET[each - 1]
            confidences.append(share)
    return Row(text, tuple(confidences))
