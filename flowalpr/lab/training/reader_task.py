"""The training of a reader: its recipe, its batches of real and drawn plates, its score on others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from flowalpr.lab.datasets.sample import DataError
from flowalpr.lab.datasets.synthesise import drawer
from flowalpr.lab.datasets.synthetic.crop import Crop, synthetic_crop
from flowalpr.lab.datasets.synthetic.degrade import degrade
from flowalpr.lab.datasets.synthetic.glyphs import FOLDERS
from flowalpr.lab.training.checkpoint import TrainingError, load_checkpoint, load_weights
from flowalpr.lab.training.distil import TeacherRecipe, taught
from flowalpr.lab.training.loop import LoopRecipe, train
from flowalpr.lab.training.pretrained import pretrained_weights
from flowalpr.lab.training.reader import IGNORED, ReaderNetwork, load_pretrained, losses
from flowalpr.lab.training.reader_data import census, chances, real_plates
from flowalpr.lab.training.reader_small import SmallReader
from flowalpr.lab.training.recipe import told_apart
from flowalpr.vision.image import normalise
from flowalpr.vision.manifest import ModelInput, ReaderDetails
from flowalpr.vision.reader import OVERLAP, read_with, unfolded, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from flowalpr.lab.datasets.synthetic.plate import Drawer

MERGED = str.maketrans("OI", "01")
"""Characters that many plates print alike and many labels mix up."""


class ReaderRecipe(BaseModel):
    """All that decides how a reader turns out; saved beside the result."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["reader"] = "reader"
    alphabet: str = Field(min_length=1)
    """Characters that can be read."""
    countries: tuple[str, ...] = ()
    """ISO codes of the countries that are told apart by their looks."""
    train: tuple[Path, ...] = ()
    """Folders of labelled pictures to learn from."""
    validate_on: tuple[Path, ...] = Field(min_length=1)
    """Folders whose plates choose the best weights; none of them is learnt from."""
    fonts: tuple[Path, ...] = FOLDERS
    """Folders with typefaces for drawn plates."""
    layouts: Path | None = None
    """Folder with layouts of your own, in place of those in the box."""
    draw: tuple[str, ...] = ()
    """Countries whose plates are drawn; all that have texts within the alphabet if none is given."""
    real: float = Field(default=0.4, ge=0, le=1)
    """Share of real plates among those shown; the others are drawn."""
    balance: float = Field(default=0.4, ge=0, le=1)
    """How far countries with few plates are shown more often: 0 not at all, 1 until all are alike."""
    two_rows: float = Field(default=2.5, gt=0)
    """How many times as often a real plate of two rows is shown as one of one row."""
    margin: float = Field(default=0.06, ge=0, le=0.5)
    """Share of a plate's width and height that is left around it on each side."""
    width: int = Field(default=192, ge=64, multiple_of=8)
    """Pixels of the network's input; one column in eight can hold a character."""
    network: Literal["small", "large"] = "large"
    """Large starts from PP-OCRv6's recogniser; small begins from nothing, and is to be taught by a large one."""
    start: Path | Literal["pretrained"] | None = "pretrained"
    """Checkpoint whose weights to start with; `pretrained` for PP-OCRv6's recogniser in rapidocr's wheel."""
    teacher: TeacherRecipe | None = None
    """A model that teaches, such as `{model: plate-reader}`, beside the labels."""
    loop: LoopRecipe

    @model_validator(mode="after")
    def _small_begins_from_nothing(self) -> ReaderRecipe:
        if self.network == "small" and self.start == "pretrained":
            raise ValueError("the small network has no pretrained weights: write `start: null`, or a checkpoint")
        return self

    @property
    def input(self) -> ModelInput:
        """How plates are given to the network, in training and after."""
        return ModelInput(colour="grey", mean=(127.5,), scale=(1 / 127.5,), width=self.width, height=48)

    @property
    def details(self) -> ReaderDetails:
        """What the manifest of the model will say of its output, before calibration."""
        return ReaderDetails(alphabet=self.alphabet, countries=self.countries, margin=self.margin)


class Batch(NamedTuple):
    """Pictures and what they say."""

    pictures: Tensor
    """float32, (n, 1, 48, width), -1..1."""
    texts: list[list[int] | None]
    """Classes from 1 up; None for a two-row plate that is shown as it is, to be told from one-row plates."""
    rows: Tensor
    """int64, (n,): 0 one row, 1 two, `IGNORED` for an unfolded plate."""
    country: Tensor
    """int64, (n,): index into the recipe's countries or `IGNORED`."""


class ReaderTask:
    """What the training loop needs to know of a reader."""

    def __init__(self, recipe: ReaderRecipe) -> None:
        """Reads all plates into memory, some 0.1 MB each.

        Raises:
            DataError: a folder holds no data set, or a wrong one, or a picture cannot be decoded.
            TrainingError: there is nothing to learn from or to validate on, or the weights to start with are missing,
                damaged or of another network.
        """
        torch.manual_seed(recipe.loop.seed)
        self.recipe = recipe
        network = build(recipe)
        self.network: nn.Module = network
        if isinstance(network, ReaderNetwork) and recipe.start == "pretrained":
            load_pretrained(network, pretrained_weights("rec"), recipe.alphabet)
        elif isinstance(recipe.start, Path):
            load_weights(network, load_checkpoint(recipe.start)["network"], recipe.start)
        self._real = [plate for folder in recipe.train for plate in real_plates(folder, recipe.alphabet)]
        if recipe.train and not self._real:
            fix = "label some, or write `train: []` to learn from drawn plates alone"
            raise _nothing("to learn from in the folders of `train`", recipe.train, recipe, fix)
        held = told_apart(recipe.validate_on)
        self._held = {name: list(real_plates(folder, recipe.alphabet)) for name, folder in held.items()}
        if empty := [held[name] for name, plates in self._held.items() if not plates]:
            raise _nothing("to validate on", empty, recipe, "flowalpr data split gives a part to `val`")
        self._chances = chances(self._real, recipe.balance, recipe.two_rows) if self._real else np.ones(1)
        # A script that no layout knows can still be learnt from real plates alone.
        self._drawer = None if self._real and recipe.real == 1 else _drawer(recipe)

    def batch(self, rng: np.random.Generator, count: int) -> Batch:
        """Plates as a detector delivers them, by day and by night."""
        classes = {character: k for k, character in enumerate(self.recipe.alphabet, start=1)}
        pictures, texts, rows, country = [], [], [], []
        for _ in range(count):
            crop = self._crop(rng)
            two = crop.rows == 2
            unfold = two and rng.random() < 0.85
            if unfold:
                middle, overlap = 0.5 + rng.normal(0, 0.025), max(0.0, OVERLAP + rng.normal(0, 0.015))
                pictures.append(unfolded(crop.image, self.recipe.input, float(middle), float(overlap)))
            else:
                pictures.append(whole(crop.image, self.recipe.input))
            texts.append(None if two and not unfold else [classes[c] for c in crop.text])
            rows.append(IGNORED if unfold else int(two))
            known = crop.country in self.recipe.countries
            country.append(self.recipe.countries.index(crop.country or "") if known else IGNORED)
        shown = torch.from_numpy(normalise(pictures, self.recipe.input))
        return Batch(shown, texts, torch.tensor(rows), torch.tensor(country))

    def loss(self, network: nn.Module, batch: Batch, device: torch.device) -> dict[str, Tensor]:
        """Parts of the loss of a batch."""
        pictures = batch.pictures.to(device).contiguous(memory_format=torch.channels_last)
        return losses(network(pictures), batch.texts, batch.rows.to(device), batch.country.to(device))

    def score(self, network: nn.Module) -> dict[str, float]:
        """Percent of plates read right, O like 0 and I like 1: the mean over the validation sets, then each of them."""
        session = TorchSession(network)
        figures = {}
        for name, plates in self._held.items():
            right = 0
            for plate in plates:
                crop = plate.cut(self.recipe.margin)
                (reading,) = read_with(session, self.recipe.input, self.recipe.details, [crop])
                right += reading.text.translate(MERGED) == plate.text.translate(MERGED)
            figures[name] = 100 * right / len(plates)
        return {"read": sum(figures.values()) / len(figures), **figures}

    def rate_factor(self, parameter: str) -> float:
        """3 for the heads, which begin from little or nothing; 1 for the rest."""
        return 3.0 if parameter.split(".")[0] in ("head", "rows", "country") else 1.0

    def _crop(self, rng: np.random.Generator) -> Crop:
        """A real or a drawn plate, spoilt."""
        if self._drawer is None or (self._real and rng.random() < self.recipe.real):
            plate = self._real[int(np.searchsorted(self._chances, rng.random()))]
            crop = plate.view(self.recipe.margin, rng)
            # Photographs have faults of their own already.
            crop = crop._replace(image=degrade(crop.image, rng, 0.6)) if rng.random() < 0.75 else crop
        else:
            crop = synthetic_crop(self._drawer, self.recipe.margin, rng)
        return crop._replace(image=255 - crop.image) if rng.random() < 0.04 else crop


def _nothing(what: str, folders: Sequence[Path], recipe: ReaderRecipe, fix: str) -> TrainingError:
    counted = "; ".join(str(census(folder, recipe.alphabet)) for folder in folders)
    return TrainingError(f"there is no plate {what}: {counted}", "plates with a box and a text within `alphabet`", fix)


def _drawer(recipe: ReaderRecipe) -> Drawer:
    try:
        return drawer(recipe.draw, recipe.layouts, recipe.fonts, recipe.alphabet)
    except DataError as error:
        (problem,) = error.problems
        fix = f"{problem.fix}; or write `real: 1` to learn from real plates alone"
        raise TrainingError(problem.what, problem.expected, fix) from None


def build(recipe: ReaderRecipe) -> nn.Module:
    """The network that a recipe asks for, with weights of chance."""
    kind = SmallReader if recipe.network == "small" else ReaderNetwork
    return kind(len(recipe.alphabet), len(recipe.countries))


class TorchSession:
    """A network in training, run as a deployed one is."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self.provider = "torch"

    def run(self, batch: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """The network's outputs for float32, (n, 1, 48, width)."""
        device = next(self._network.parameters()).device
        with torch.no_grad():
            return [output.float().cpu().numpy() for output in self._network(torch.from_numpy(batch).to(device))]


def train_reader(recipe: ReaderRecipe, out: Path) -> dict[str, float]:
    """Train a reader and write checkpoints and curves to `out`; gives the best figures.

    Raises:
        TrainingError: see `ReaderTask` and `loop.train`.
    """
    return train(taught(ReaderTask(recipe), recipe.teacher, "reader"), recipe.loop, out)
