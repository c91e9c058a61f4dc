"""A temperature for a reader, so that of its reads with a confidence of 0.9 nine in ten are right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from flowalpr.lab.training.reader_data import RealPlate
from flowalpr.vision.manifest import ModelInput, ReaderDetails
from flowalpr.vision.onnx import OnnxSession
from flowalpr.vision.reader import read_with

TEMPERATURES = tuple(round(0.5 * 1.08**step, 3) for step in range(30))
"""0.5 to 4.7; below 1 makes a reader surer, above 1 less sure."""
CERTAIN = 1e-4
"""No read counts as surer than this to be right or wrong, or one wrong label would decide alone."""


def fit_temperature(weights: Path, wanted: ModelInput, details: ReaderDetails, plates: Sequence[RealPlate]) -> float:
    """The temperature at which confidences describe best which plates are read right (least log-loss).

    The plates must not be those that the reader learnt from: on those it is always right.
    """
    session = _Remembering(OnnxSession(weights))
    crops = [plate.cut(details.margin) for plate in plates]

    def loss(temperature: float) -> float:
        at = details.model_copy(update={"temperature": temperature})
        total = 0.0
        for crop, plate in zip(crops, plates, strict=True):
            (reading,) = read_with(session, wanted, at, [crop])
            sure = min(max(reading.confidence, CERTAIN), 1 - CERTAIN)
            total -= math.log(sure if reading.text == plate.text else 1 - sure)
        return total

    return min(TEMPERATURES, key=loss)


class _Remembering:
    """A session that runs each input once; the temperature comes after the network."""

    def __init__(self, session: OnnxSession) -> None:
        self._session = session
        self._known: dict[bytes, list[npt.NDArray[np.float32]]] = {}
        self.provider = session.provider

    def run(self, batch: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
        key = batch.tobytes()
        if key not in self._known:
            self._known[key] = self._session.run(batch)
        return [each.copy() for each in self._known[key]]  # The reader writes into what it is given.
