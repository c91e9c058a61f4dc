"""The one training loop: schedule with warm restarts, averaged weights, resuming, early stop, curves.

What is trained is a `Task`. Every batch is made from the seed and the number of its step alone, so a run that was
killed and goes on from its checkpoint sees the same batches as one that was not.
"""

from __future__ import annotations

import copy
import csv
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn

from flowalpr.lab.training.checkpoint import TrainingError, load_checkpoint, load_weights, save_atomically
from flowalpr.lab.training.curves import draw_curves
from flowalpr.lab.training.stopping import asked_to_stop

LAST, BEST, CURVES = "last.pt", "best.pt", "curves.csv"


class LoopRecipe(BaseModel):
    """How long and how fast; the part of a recipe that detector and reader share."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 0
    steps: int = Field(gt=0)
    """Batches in all."""
    batch: int = Field(default=24, gt=0)
    rate: float = Field(default=2e-3, gt=0)
    """Highest learning rate."""
    decay: float = Field(default=0.03, ge=0)
    """Weight decay of AdamW, for weights of convolutions and matrices only."""
    warm_up: int = Field(default=150, ge=0)
    """Steps over which the rate rises from nothing."""
    cycles: int = Field(default=1, gt=0)
    """Times that the rate falls along a cosine; each cycle but the first starts at half the rate before."""
    average: float = Field(default=0.9985, ge=0, lt=1)
    """Share of the averaged weights that a step leaves as they are; it is the averaged weights that are kept."""
    clip: float = Field(default=10.0, gt=0)
    """Longest gradient."""
    validate_every: int = Field(default=500, gt=0)
    """Steps from one validation, and checkpoint, to the next."""
    patience: int | None = Field(default=None, gt=0)
    """Validations without a better score after which training stops."""
    precision: Literal["fp32", "bf16"] | None = None
    """If not given, bf16 on a GPU and fp32 on a CPU, where bf16 takes nine times as long unless there are instructions
    for it (one step of a reader on a CPU with AVX2 alone: 18 s instead of 2)."""
    device: Literal["cpu", "cuda"] = "cpu"
    threads: int | None = Field(default=None, gt=0)
    """Threads on the CPU, all cores if not given; where other work is going on, 1 may be fastest."""

    @property
    def half(self) -> bool:
        """Whether the network is multiplied in bf16."""
        return (self.precision or ("bf16" if self.device == "cuda" else "fp32")) == "bf16"


class Task(Protocol):
    """What is trained: a network, its batches, its loss and its score."""

    network: nn.Module

    def batch(self, rng: np.random.Generator, count: int) -> Any:  # Any: only the task looks inside its batches
        """Pictures and targets for one step; called in a thread of its own, one call at a time."""

    def loss(self, network: nn.Module, batch: Any, device: torch.device) -> dict[str, Tensor]:  # Any: as above
        """Parts of the loss by name, each a scalar, to be summed up."""

    def score(self, network: nn.Module) -> dict[str, float]:
        """Figures on the validation set by name; the first decides, and higher is better."""

    def rate_factor(self, parameter: str) -> float:
        """What the learning rate of a parameter is multiplied with; 1 for most."""


def train(task: Task, recipe: LoopRecipe, out: Path) -> dict[str, float]:
    """Train until the steps are done or nothing gets better; gives the best figures, writes all to `out`.

    `out` then holds `best.pt` (averaged weights), `last.pt` (to go on from), `curves.csv` and `curves.png`. If
    `last.pt` is there already, training goes on from it. Ctrl-C writes it, too.

    Raises:
        TrainingError: CUDA is asked for and not there, the checkpoint is of another network or recipe, the loss
            became infinite, or somebody stopped the training.
    """
    out.mkdir(parents=True, exist_ok=True)
    run = Run(task, recipe, out)
    with _progress() as progress, ThreadPoolExecutor(1) as ahead, asked_to_stop() as stop:
        bar = progress.add_task(out.name, total=recipe.steps, completed=run.step)
        if run.step == recipe.steps:
            progress.console.print(f"all {recipe.steps} steps are done; to train anew, give another --out than {out}")
        elif run.step:
            progress.console.print(f"going on from step {run.step} of {recipe.steps}")
        for batch in _batches(ahead, task, recipe, run.step):
            run.one_step(batch)
            progress.update(bar, completed=run.step)
            if run.step % recipe.validate_every == 0 or run.step == recipe.steps:
                progress.console.print(run.validate())
                draw_curves(out / CURVES, out / "curves.png")
                if run.is_stale():
                    progress.console.print(f"no better score for {recipe.patience} validations: stopped")
                    break
            elif stop.is_set():
                run.checkpoint()
                what = f"stopped at step {run.step} of {recipe.steps}"
                raise TrainingError(what, fix="give the same command again: it goes on from there")
    return run.best


class Run:
    """The state of one training: weights, their average, optimizer, step, figures."""

    def __init__(self, task: Task, recipe: LoopRecipe, out: Path) -> None:
        if recipe.device == "cuda" and not torch.cuda.is_available():
            raise TrainingError("CUDA is asked for, and there is none", fix="write `device: cpu` into the recipe")
        if recipe.threads:
            torch.set_num_threads(recipe.threads)
        torch.manual_seed(recipe.seed)
        self.task, self.recipe, self.out = task, recipe, out
        self.device = torch.device(recipe.device)
        self.network = task.network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs know no module with memory_format and device together
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False)
        self.optimizer = torch.optim.AdamW(_groups(task, self.network, recipe), lr=recipe.rate)
        self.step = 0
        self.best: dict[str, float] = {}
        self.waited = 0
        self.rows: list[dict[str, float]] = []
        self._losses: dict[str, float] = {}
        self._since = 0
        if (out / LAST).exists():
            self._resume(out / LAST)

    def one_step(self, batch: Any) -> None:  # Any: only the task looks inside its batches
        """Learn from one batch."""
        rate = rate_at(self.step, self.recipe)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        self.network.train()
        half = torch.autocast(self.device.type, torch.bfloat16) if self.recipe.half else nullcontext()
        with half:
            losses = self.task.loss(self.network, batch, self.device)
        whole = torch.stack(list(losses.values())).sum()
        if not torch.isfinite(whole):
            raise TrainingError(
                f"the loss is {float(whole.detach())} at step {self.step}",
                fix="lower `rate`, or write `precision: fp32`; then start again from the last checkpoint",
            )
        self.optimizer.zero_grad(set_to_none=True)
        whole.backward()  # type: ignore[no-untyped-call]  # torch has no type for it
        nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.clip)
        self.optimizer.step()
        self.step += 1
        self._since += 1
        self._follow()
        for name, value in losses.items():
            self._losses[name] = self._losses.get(name, 0.0) + float(value.detach())

    def validate(self) -> str:
        """Score the averaged weights, keep them if they are the best, write a checkpoint; gives a line to show."""
        scores = self.task.score(self.average)
        losses = {name: value / self._since for name, value in self._losses.items()}
        self.rows.append({"step": self.step, "rate": rate_at(self.step - 1, self.recipe), **losses, **scores})
        first = next(iter(scores))
        self.waited += 1
        if not self.best or scores[first] > self.best[first]:
            self.best, self.waited = scores, 0
            save_atomically({"network": self.average.state_dict(), "scores": scores}, self.out / BEST)
        self._losses, self._since = {}, 0
        self.checkpoint()
        shown = "  ".join(f"{name} {value:.3f}" for name, value in {**losses, **scores}.items())
        return f"step {self.step}  {shown}"

    def is_stale(self) -> bool:
        """Whether the score has not become better for too long."""
        return self.recipe.patience is not None and self.waited >= self.recipe.patience

    def _follow(self) -> None:
        """Move the averaged weights a little towards the present ones; faster in the beginning."""
        keep = min(self.recipe.average, (1 + self.step) / (20 + self.step))
        with torch.no_grad():
            for mean, now in zip(self.average.state_dict().values(), self.network.state_dict().values(), strict=True):
                if mean.dtype.is_floating_point:
                    mean.lerp_(now.to(mean), 1 - keep)
                else:
                    mean.copy_(now)

    def checkpoint(self) -> None:
        """Write all that it takes to go on from here."""
        state = {
            "recipe": self.recipe.model_dump(),
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "best": self.best,
            "waited": self.waited,
            "rows": self.rows,
            "losses": self._losses,
            "since": self._since,
        }
        save_atomically(state, self.out / LAST)
        with (self.out / CURVES).open("w", newline="") as file:
            names = list(dict.fromkeys(name for row in self.rows for name in row))
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(self.rows)

    def _resume(self, path: Path) -> None:
        state = load_checkpoint(path)
        kept, now = {**state["recipe"]}, self.recipe.model_dump()
        changed = [name for name in now if name not in ("patience", "threads") and kept.get(name) != now[name]]
        if changed:
            raise TrainingError(
                f"{path} was made by a recipe with other values of {', '.join(changed)}",
                fix="give another --out, or delete the file to start again",
            )
        load_weights(self.network, state["network"], path)
        load_weights(self.average, state["average"], path)
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.best, self.waited, self.rows = (state[key] for key in ("step", "best", "waited", "rows"))
        self._losses, self._since = state.get("losses", {}), state.get("since", 0)


def rate_at(step: int, recipe: LoopRecipe) -> float:
    """The learning rate of a step: a rise, then cosines down to a hundredth, each from half the height before."""
    length = math.ceil(recipe.steps / recipe.cycles)
    cycle, position = divmod(step, length)
    top = recipe.rate / 2**cycle * min(1.0, (step + 1) / max(1, recipe.warm_up))
    return float(top * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * position / length))))


def _batches(ahead: ThreadPoolExecutor, task: Task, recipe: LoopRecipe, first: int) -> Iterator[Any]:
    """Batches from step `first` on, the next two being made while one is learnt from."""

    def make(step: int) -> Any:  # Any: only the task looks inside its batches
        return task.batch(np.random.default_rng([recipe.seed, step]), recipe.batch)

    waiting = [ahead.submit(make, step) for step in range(first, min(first + 2, recipe.steps))]
    for step in range(first, recipe.steps):
        batch = waiting.pop(0).result()
        if step + 2 < recipe.steps:
            waiting.append(ahead.submit(make, step + 2))
        yield batch


def _groups(task: Task, network: nn.Module, recipe: LoopRecipe) -> list[dict[str, Any]]:  # Any: torch's own form
    """Parameters grouped by rate and by whether they decay: biases and batch norms do not."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            decay = recipe.decay if parameter.ndim > 1 else 0.0
            groups.setdefault((task.rate_factor(name), decay), []).append(parameter)
    return [{"params": some, "factor": factor, "weight_decay": decay} for (factor, decay), some in groups.items()]


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
