"""What a compressed model is tried with: real inputs to calibrate on, and an accuracy that must not fall."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from flowalpr.errors import Problem
from flowalpr.lab.datasets.index import find
from flowalpr.lab.datasets.sample import DataError, Dataset, Sample, decoded
from flowalpr.lab.evaluation.detection import findings_in, score
from flowalpr.lab.training.reader_data import RealPlate, real_plates
from flowalpr.vision.detector import LONGEST, find_with
from flowalpr.vision.image import canvas_size, letterbox, normalise
from flowalpr.vision.onnx import OnnxSession
from flowalpr.vision.reader import read_with, unfolded, whole

if TYPE_CHECKING:
    from flowalpr.vision.manifest import Model, ReaderDetails


@dataclass(frozen=True, slots=True)
class Probe:
    """One model's trial."""

    inputs: Sequence[npt.NDArray[np.float32]]
    """Arrays as the network takes them, a picture each."""
    accuracy: Callable[[Path], float]
    """Points, 0..100, that the network in a file reaches."""
    unit: str
    """What the points are."""


def probe(model: Model, calibrate_on: Sequence[Path], measure_on: Sequence[Path], count: int, seed: int = 0) -> Probe:
    """The trial of a model: `count` inputs drawn from some folders, accuracy on others.

    Raises:
        DataError: a folder holds no data set, nothing in it suits the model, or a picture is missing or cannot be
            decoded.
    """
    random = np.random.default_rng(seed)
    if model.manifest.task == "detector":
        pictures = [(each, sample) for each in find(calibrate_on) for sample in each]
        chosen = [pictures[index] for index in _drawn(len(pictures), count, random)]
        inputs = [_canvas(dataset, sample, model) for dataset, sample in chosen]
        measured = find(measure_on)
        return Probe(inputs, lambda path: _found(path, model, measured), "AP50")
    assert model.manifest.reading is not None  # noqa: S101  # The manifest of a reader always has it.
    details = model.manifest.reading
    plates = _plates(calibrate_on, details)
    drawn = [plates[index] for index in _drawn(len(plates), count, random)]
    held = _plates(measure_on, details)
    return Probe(
        [_crop(each, model, details) for each in drawn], lambda path: _read(path, model, details, held), "exact"
    )


def _drawn(there: int, count: int, random: np.random.Generator) -> list[int]:
    if not there:
        raise DataError(Problem("the data to calibrate on holds nothing that suits this model", "labelled pictures"))
    return [int(each) for each in random.permutation(there)[:count]]


def _canvas(dataset: Dataset, sample: Sample, model: Model) -> npt.NDArray[np.float32]:
    image = decoded(dataset, sample)
    fitted = letterbox(image, *canvas_size(image.shape[0], image.shape[1], LONGEST))
    return normalise([fitted.image], model.manifest.input)


def _found(path: Path, model: Model, datasets: Sequence[Dataset]) -> float:
    """Mean over data sets of average precision at an overlap of a half, in points."""
    session = OnnxSession(path)
    scores = []
    for dataset in datasets:
        findings = []
        for sample in dataset:
            found = find_with(session, model.manifest.input, decoded(dataset, sample), 0.02, LONGEST)
            findings.append(findings_in(dataset.name, sample, found))
        scores.append(100 * score(findings, at_least=0.5).ap50)
    return sum(scores) / len(scores)


def _plates(folders: Sequence[Path], details: ReaderDetails) -> list[RealPlate]:
    return [plate for dataset in find(folders) for plate in real_plates(dataset.folder, details.alphabet)]


def _crop(plate: RealPlate, model: Model, details: ReaderDetails) -> npt.NDArray[np.float32]:
    cut, wanted = plate.cut(details.margin), model.manifest.input
    return normalise([unfolded(cut, wanted) if plate.rows == 2 else whole(cut, wanted)], wanted)


def _read(path: Path, model: Model, details: ReaderDetails, plates: Sequence[RealPlate]) -> float:
    """Share of plates that are read without a fault, in points."""
    session = OnnxSession(path)
    right = 0
    for plate in plates:
        (reading,) = read_with(session, model.manifest.input, details, [plate.cut(details.margin)])
        right += reading.text == plate.text
    return 100 * right / max(1, len(plates))
