"""The reader: from pictures of plates to texts, with a Session."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from flowalpr.errors import SetupError
from flowalpr.vision.image import Picture, normalise
from flowalpr.vision.manifest import find_model
from flowalpr.vision.session import open_session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowalpr.vision.manifest import Model, ModelInput, ReaderDetails
    from flowalpr.vision.session import Device, Session

LONG = 3.4
"""Plates at least this many times as wide as high have one row: the longest two-row ones have 2.4, and a crop errs."""
OVERLAP = 0.05
"""Share of the height by which the halves of a two-row plate reach over the middle, as rows are not equally high."""

Floats = NDArray[np.float32]


class Reading(NamedTuple):
    """What a plate says."""

    text: str
    """Upper case without blanks and marks; empty if nothing could be read. Two rows are joined."""
    confidence: float
    """How likely the whole text is right, 0..1; calibrated on photographs of the model's card."""
    confidences: tuple[float, ...]
    """The same of each character."""
    country: str | None
    """ISO code of the country if the look of the plate says so clearly."""
    rows: int
    """1 or 2."""


class Reader:
    """Reads pictures of single plates, cut out with the `margin` that the model states."""

    def __init__(self, model: str | Path = "plate-reader", device: Device = "cpu") -> None:
        """Loads a model and reads an empty picture with it, so that a wrong file is found now and not at a gate.

        Raises:
            SetupError: the model is missing, damaged, no reader or not what its manifest says, or what the device
                needs is missing.
        """
        found = find_model(model, "reader")
        self._details = cast("ReaderDetails", found.manifest.reading)  # no reader's manifest is without it
        self._input = found.manifest.input
        self._session = open_session(found.weights, device)
        self._check(found)

    @property
    def provider(self) -> str:
        """What really runs the network: `CPU` or `CUDA`."""
        return self._session.provider

    @property
    def margin(self) -> float:
        """Share of a plate's width and height that a picture should show around it on each side."""
        return self._details.margin

    def read(self, crops: Sequence[Picture]) -> list[Reading]:
        """What each picture, uint8, (height, width, 3), BGR, says; all are read as one batch."""
        return read_with(self._session, self._input, self._details, crops)

    def _check(self, model: Model) -> None:
        """Reads an empty picture and compares what comes out with the manifest."""
        height, width = self._input.height, self._input.width
        if height is None or width is None:
            raise SetupError(f"{model.folder}: a reader takes one width and height", "state them under `input`")
        outputs = self._session.run(normalise([np.zeros((height, width, 3), np.uint8)], self._input))
        shapes = [tuple(output.shape) for output in outputs]
        alphabet, countries = len(self._details.alphabet), len(self._details.countries)
        wanted = [(1, width // 8, 1 + alphabet), (1,), (1, countries)]
        if shapes != wanted:
            raise SetupError(
                f"{model.weights} gives arrays of {shapes}, {wanted} expected: it is no reader "
                f"of {alphabet} characters and {countries} countries",
                "put the model.yaml that was exported with it beside it",
            )


def read_with(session: Session, wanted: ModelInput, details: ReaderDetails, crops: Sequence[Picture]) -> list[Reading]:
    """What each picture says, by a network that may still be in training.

    Plates that look as if they had two rows are read again with the lower row put behind the upper one.
    """
    if not crops:
        return []
    characters, country, rows = look(session, wanted, crops)
    return [_reading(characters[k], country[k], details, rows[k]) for k in range(len(crops))]


def look(session: Session, wanted: ModelInput, crops: Sequence[Picture]) -> tuple[Floats, Floats, list[int]]:
    """The network's logits of characters, (n, columns, 1 + characters), and countries, and each plate's rows."""
    characters, rows, country = session.run(normalise([whole(crop, wanted) for crop in crops], wanted))
    two = [k for k, crop in enumerate(crops) if rows[k] > 0 and crop.shape[1] < LONG * crop.shape[0]]
    if two:
        again = session.run(normalise([unfolded(crops[k], wanted) for k in two], wanted))
        characters[two], country[two] = again[0], again[2]
    return characters, country, [2 if k in two else 1 for k in range(len(crops))]


def _reading(logits: Floats, country: Floats, details: ReaderDetails, rows: int) -> Reading:
    """One plate's answer from the network's: (columns, 1 + characters) and (countries,)."""
    text, confidences = best_path(softmax(logits / np.float32(details.temperature)), details.alphabet)
    named = softmax(country)
    best = int(named.argmax()) if named.size else -1
    sure = best >= 0 and named[best] >= details.sure_country
    whole_text = float(np.prod(confidences)) if text else 0.0
    return Reading(text, whole_text, confidences, details.countries[best] if sure else None, rows)


def whole(crop: Picture, wanted: ModelInput) -> Picture:
    """The picture stretched to the size that the network takes."""
    return _fitted(crop, wanted.width or 1, wanted.height or 1)


def unfolded(crop: Picture, wanted: ModelInput, middle: float = 0.5, overlap: float = OVERLAP) -> Picture:
    """A two-row plate as one row: its lower half behind its upper one, each stretched to half the width.

    `middle` is where the rows part and `overlap` how far each half reaches over it, as shares of the height.
    """
    height, half = crop.shape[0], (wanted.width or 2) // 2
    upper = crop[: max(1, round(height * (middle + overlap)))]
    lower = crop[min(height - 1, round(height * (middle - overlap))) :]
    parts = [_fitted(part, half, wanted.height or 1) for part in (upper, lower)]
    return np.concatenate(parts, axis=1)


def best_path(chances: Floats, alphabet: str) -> tuple[str, tuple[float, ...]]:
    """The text of the likeliest class of each column, (columns, 1 + characters), and each character's confidence.

    Columns of one class in a row are one character; class 0 parts them.
    """
    classes = chances.argmax(axis=1)
    tops = chances.max(axis=1)
    text: list[str] = []
    confidences: list[float] = []
    before = 0
    for column, now in enumerate(classes):
        if now and now != before:
            text.append(alphabet[now - 1])
            confidences.append(float(tops[column]))
        elif now:
            confidences[-1] = max(confidences[-1], float(tops[column]))
        before = now
    return "".join(text), tuple(confidences)


def softmax(logits: Floats) -> Floats:
    """Chances that sum up to 1 along the last axis."""
    if not logits.size:
        return logits
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), dtype=np.float32)


def _fitted(picture: Picture, width: int, height: int) -> Picture:
    """The picture at that size; averaged where it shrinks, so that thin strokes stay."""
    shrinks = picture.shape[0] > height and picture.shape[1] > 0.7 * width
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (width, height), interpolation=how), dtype=np.uint8)
