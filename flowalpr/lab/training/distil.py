"""Distillation: a network learns not only from labels but from what a larger one, its teacher, says of each picture.

The teacher is a model as it ships, run as it is deployed; so any model that finds or reads well can teach.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional

from flowalpr.lab.training.checkpoint import TrainingError
from flowalpr.vision.manifest import find_model
from flowalpr.vision.session import open_session

if TYPE_CHECKING:
    from flowalpr.lab.training.loop import Task as Trained
    from flowalpr.vision.manifest import Model, Task

Lesson = Callable[[Any, tuple[Tensor, ...]], Tensor]  # Any: what a network gives, one tensor or several
"""From what the pupil gives and what the teacher said to how far they lie apart."""

SEEN = 0.05
"""Chance of a plate from which on a teacher's box is worth learning."""


class TeacherRecipe(BaseModel):
    """Who teaches, and how much that counts beside the labels."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    """Name or folder of a model of the same task; a reader's must have the same alphabet and countries."""
    share: float = Field(default=1.0, gt=0)
    """What the distance from the teacher is multiplied with."""


@dataclass(frozen=True, slots=True)
class Taught:
    """A batch and what the teacher says of it."""

    batch: Any  # Any: only the task looks inside its batches
    said: tuple[Tensor, ...]


class Pupil:
    """A task whose network also learns from a teacher; for the training loop it is a task like any other."""

    def __init__(self, task: Trained, recipe: TeacherRecipe, kind: Task) -> None:
        """Loads the teacher.

        Raises:
            SetupError: there is no such model.
            TrainingError: a reader's teacher reads other characters or countries.
        """
        model = find_model(recipe.model, kind)
        self._task = task
        self._share = recipe.share
        self._lesson: Lesson = _reading_apart if kind == "reader" else _finding_apart
        self._session = open_session(model.weights)
        self.network = task.network
        if kind == "reader":
            _check(model, task)

    def batch(self, rng: np.random.Generator, count: int) -> Taught:
        """A batch and what the teacher says of it; the teacher works while the pupil learns from the last one."""
        batch = self._task.batch(rng, count)
        return Taught(batch, tuple(map(torch.from_numpy, self._session.run(_given(batch.pictures)))))

    def loss(self, network: nn.Module, batch: Taught, device: torch.device) -> dict[str, Tensor]:
        """The parts of the task's own loss and the distance from the teacher, `taught`."""
        given: list[Any] = []  # Any: what the network gives, one tensor or several
        handle = network.register_forward_hook(lambda *call: given.append(call[-1]))
        try:
            parts = self._task.loss(network, batch.batch, device)
        finally:
            handle.remove()
        apart = self._lesson(given[-1], tuple(each.to(device) for each in batch.said))
        return {**parts, "taught": self._share * apart}

    def score(self, network: nn.Module) -> dict[str, float]:
        """Figures on the validation set."""
        return self._task.score(network)

    def rate_factor(self, parameter: str) -> float:
        """What the learning rate of a parameter is multiplied with."""
        return self._task.rate_factor(parameter)


def taught(task: Trained, recipe: TeacherRecipe | None, kind: Task) -> Trained:
    """The task with its teacher, if it has one."""
    return task if recipe is None else Pupil(task, recipe, kind)


def _given(pictures: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Pictures as a model takes them: those of a detector are still uint8, (n, height, width, 3)."""
    if pictures.dtype == torch.uint8:
        pictures = pictures.permute(0, 3, 1, 2).float().div(255)
    return np.ascontiguousarray(pictures.numpy())


def _finding_apart(values: Tensor, said: tuple[Tensor, ...]) -> Tensor:
    """How far two detectors lie apart, both (n, 13, rows, columns): scores everywhere, boxes where there are plates.

    Where neither sees a plate, which is nearly everywhere, hardly anything is to be learnt; so a cell counts by the
    square of how far the scores are apart (quality focal loss, Li et al. 2020).
    """
    values, teacher = values.float(), said[0]
    chance = torch.sigmoid(teacher[:, 0])
    weight = (torch.sigmoid(values[:, 0]) - chance).pow(2).detach()
    score = functional.binary_cross_entropy_with_logits(values[:, 0], chance, reduction="none") * weight
    seen = chance * (chance > SEEN)
    total = seen.sum().clamp(min=1)
    miss = functional.smooth_l1_loss(values[:, 1:], teacher[:, 1:], reduction="none", beta=0.05).mean(1)
    return (score.sum() + (miss * seen).sum()) / total


def _reading_apart(logits: Any, said: tuple[Tensor, ...]) -> Tensor:  # Any: the reader's own tuple of tensors
    """How far two readers lie apart: their chances in each column, of two rows, and of each country."""
    characters, rows, country = logits
    columns = _divergence(characters.float().flatten(0, 1), said[0].flatten(0, 1)) * (characters.shape[1] / 8)
    two = functional.binary_cross_entropy_with_logits(rows.float(), torch.sigmoid(said[1]))
    apart: Tensor = columns + 0.1 * two + 0.1 * _divergence(country.float(), said[2])
    return apart


def _divergence(pupil: Tensor, teacher: Tensor) -> Tensor:
    """Kullback-Leibler divergence of the pupil's chances from the teacher's, the mean over all rows."""
    if not teacher.shape[-1]:
        return pupil.sum() * 0
    chances = functional.log_softmax(teacher, -1)
    return functional.kl_div(functional.log_softmax(pupil, -1), chances, reduction="batchmean", log_target=True)


def _check(model: Model, task: Trained) -> None:
    recipe = getattr(task, "recipe")  # noqa: B009  # Only tasks of a reader come here; the protocol does not tell.
    reading, held, wanted = model.manifest.reading, model.manifest.input, recipe.input
    same = reading is not None and (reading.alphabet, reading.countries) == (recipe.alphabet, recipe.countries)
    if not same or (held.colour, held.width, held.height) != (wanted.colour, wanted.width, wanted.height):
        raise TrainingError(
            f"teacher '{model.manifest.name}' reads other characters, countries or sizes of picture than its pupil",
            expected="the same alphabet, countries and width",
            fix=f"copy them from {model.folder / 'model.yaml'} into the recipe, or teach with another model",
        )
