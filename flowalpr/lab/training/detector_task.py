"""The training of a detector: its recipe, its batches out of labelled pictures, its score on others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from flowalpr.lab.datasets.sample import Plate, Sample, boxes_of, decoded, load
from flowalpr.lab.evaluation.detection import findings_in, score
from flowalpr.lab.training.checkpoint import TrainingError, load_checkpoint, load_weights
from flowalpr.lab.training.detector import DetectorLoss, PlateDetector, Targets
from flowalpr.lab.training.detector_large import LargePlateDetector, load_pretrained
from flowalpr.lab.training.distil import TeacherRecipe
from flowalpr.lab.training.loop import LoopRecipe
from flowalpr.lab.training.pretrained import pretrained_weights
from flowalpr.lab.training.recipe import told_apart
from flowalpr.lab.training.views import Mark, Shown, Viewer, ViewRecipe, shown
from flowalpr.vision.detector import find_with
from flowalpr.vision.geometry import corners_of
from flowalpr.vision.manifest import ModelInput, find_model

INPUT = ModelInput(colour="bgr", mean=(0, 0, 0), scale=(1 / 255,) * 3, multiple_of=32)
"""How pictures are given to the network, in training and after."""


class Source(BaseModel):
    """A folder of labelled pictures to learn from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path
    share: float = Field(gt=0)
    """How often its pictures are shown, relative to the other sources."""
    left_out: Path | None = None
    """A `labels.jsonl` with boxes of plates that the labels leave out: neither asked for nor held against the network.

    Where only the main plate of a picture is labelled, a detector would learn that other plates are none.
    """


class DetectorRecipe(BaseModel):
    """All that decides how a detector turns out; saved beside the result."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["detector"] = "detector"
    train: tuple[Source, ...] = Field(min_length=1)
    validate_on: tuple[Path, ...] = Field(min_length=1)
    """Folders whose pictures choose the best weights; none of them is learnt from."""
    validate_pictures: int | None = Field(default=None, gt=0)
    """At most so many pictures of each of them, spread evenly; all if not given."""
    longest: int = Field(default=960, ge=64, multiple_of=32)
    """Pixels of the longest side of a validation picture."""
    start: Path | Literal["plate-detector-quick"] | None = None
    """Checkpoint whose weights to start with, or the detector in the box, to go on from; from nothing if not given."""
    network: Literal["small", "large"] = "small"
    """Small learns from nothing; large starts from PP-OCRv6's text detector and costs two and a half times as much."""
    widths: tuple[int, int, int, int, int, int] = (16, 32, 48, 96, 160, 64)
    """Channels of the small network at strides 2, 4, 8, 16 and 32, and of the neck."""
    teacher: TeacherRecipe | None = None
    """A model that teaches, such as `{model: plate-detector}`, beside the labels."""
    views: ViewRecipe = ViewRecipe()
    loop: LoopRecipe


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures and what they show."""

    pictures: Tensor
    """uint8, (batch, height, width, 3), BGR."""
    targets: Targets


class DetectorTask:
    """What the training loop needs to know of a detector."""

    def __init__(self, recipe: DetectorRecipe) -> None:
        """Reads all pictures into memory, some 1.3 MB for each.

        Raises:
            DataError: a folder holds no data set, or a wrong one, or a picture cannot be decoded.
            TrainingError: there is nothing to learn from, or the weights to start with are damaged or of another
                network.
        """
        torch.manual_seed(recipe.loop.seed)
        self.recipe = recipe
        self.network = build(recipe)
        if recipe.start:
            start = _checkpoint(recipe.start)
            load_weights(self.network, load_checkpoint(start)["network"], start)
        elif isinstance(self.network, LargePlateDetector):
            load_pretrained(self.network, pretrained_weights("det"))
        pictures, chances = self._pictures()
        self._viewer = Viewer(pictures, chances, recipe.views, recipe.loop.seed)
        self._loss = DetectorLoss()

    def batch(self, rng: np.random.Generator, count: int) -> Batch:
        """Views of one shape, and the plates in them."""
        shape = self.recipe.views.shapes[int(rng.integers(len(self.recipe.views.shapes)))]
        views = [self._viewer.view(shape, rng) for _ in range(count)]
        return Batch(pictures=torch.from_numpy(np.stack([image for image, _ in views])), targets=targets(views))

    def loss(self, network: nn.Module, batch: Batch, device: torch.device) -> dict[str, Tensor]:
        """Parts of the loss of a batch."""
        pictures = batch.pictures.to(device).permute(0, 3, 1, 2).float().div_(255)
        parts: dict[str, Tensor] = self._loss(network(pictures), Targets(*(each.to(device) for each in batch.targets)))
        return parts

    def score(self, network: nn.Module) -> dict[str, float]:
        """Average precision at an overlap of a half: the mean over the validation sets, then each of them."""
        session = TorchSession(network, self.recipe.loop.half)
        figures = {}
        for name, folder in told_apart(self.recipe.validate_on).items():
            findings = [
                findings_in(name, sample, find_with(session, INPUT, image, 0.02, self.recipe.longest))
                for sample, image in _labelled(folder, self.recipe.validate_pictures)
            ]
            figures[name] = 100 * score(findings, at_least=0.5).ap50
        return {"ap50": sum(figures.values()) / len(figures), **figures}

    def rate_factor(self, parameter: str) -> float:
        """A third for layers that can see text already, 1 for others."""
        return 1 / 3 if self.recipe.network == "large" and not parameter.startswith("head.") else 1.0

    def _pictures(self) -> tuple[list[Shown], list[float]]:
        """All pictures to learn from, and how often each is shown."""
        pictures, chances = [], []
        for source in self.recipe.train:
            data = load(source.folder)
            others = {each.file: each.plates for each in load(source.left_out)} if source.left_out else {}
            for sample in data:
                one = shown(decoded(data, sample), sample)
                left_out = (*sample.unlabelled, *others.get(sample.file, ()))
                pictures.append(with_left_out(one, sample.width, left_out))
                chances.append(source.share / len(data))
        if not pictures:
            raise TrainingError("no picture is labelled in the folders of `train`", fix="flowalpr data stats FOLDER")
        return pictures, chances


def build(recipe: DetectorRecipe) -> nn.Module:
    """The network that a recipe asks for, with weights of chance."""
    return LargePlateDetector() if recipe.network == "large" else PlateDetector(recipe.widths)


class TorchSession:
    """A network in training, run as a deployed one is."""

    def __init__(self, network: nn.Module, half: bool) -> None:
        self._network = network
        self._half = half
        self.provider = "torch"

    def run(self, batch: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """The network's one output for float32, (n, 3, height, width)."""
        device = next(self._network.parameters()).device
        pictures = torch.from_numpy(batch).to(device, memory_format=torch.channels_last)
        with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=self._half):
            return [self._network(pictures).float().cpu().numpy()]


def targets(views: Sequence[tuple[NDArray[np.uint8], Sequence[Mark]]]) -> Targets:
    """The plates of all views in one table, padded to the most that any view has."""
    most = max(1, max(len(marks) for _, marks in views))
    boxes, corners = np.zeros((len(views), most, 4), np.float32), np.zeros((len(views), most, 4, 2), np.float32)
    weights, trusts = np.zeros((len(views), most), np.float32), np.zeros((len(views), most), np.float32)
    for row, (_, marks) in enumerate(views):
        for column, mark in enumerate(marks):
            boxes[row, column], corners[row, column] = mark.box, mark.corners
            weights[row, column], trusts[row, column] = mark.weight, mark.trust
    return Targets(*map(torch.from_numpy, (boxes, corners, weights, trusts)))


def with_left_out(picture: Shown, width: int, plates: Sequence[Plate]) -> Shown:
    """The picture with plates that nobody labelled, in pixels of one `width` wide, marked as not to be cared about."""
    boxes = boxes_of(plates)
    boxes *= picture.sizes[0].shape[1] / width
    return Shown(
        picture.sizes,
        np.concatenate([picture.corners, corners_of(boxes)]),
        np.concatenate([picture.trusts, np.zeros(len(boxes), np.float32)]),
        np.concatenate([picture.wanted, -np.ones(len(boxes), np.float32)]),
    )


def _checkpoint(start: Path | str) -> Path:
    """The checkpoint to start with; that of a model in the box lies in its folder, in half precision."""
    return start if isinstance(start, Path) else find_model(start, "detector").folder / "start.pt"


def _labelled(folder: Path, most: int | None) -> Iterator[tuple[Sample, NDArray[np.uint8]]]:
    """The samples of a data set, each with its picture, at most `most` of them."""
    data = load(folder)
    step = len(data) / min(most or len(data), len(data)) if len(data) else 1
    for sample in (data.samples[int(place)] for place in np.arange(0, len(data), step)):
        yield sample, decoded(data, sample)
