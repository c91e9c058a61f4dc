"""What compressing a model cost and what it brought: size, work, time, accuracy, before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any  # The values that JSON has.

from flowalpr.errors import Problem
from flowalpr.lab.compression.cost import Cost, cost
from flowalpr.lab.compression.parity import Parity, ParityError, compare
from flowalpr.lab.compression.probe import Probe


@dataclass(frozen=True, slots=True)
class State:
    """A model before or after a step."""

    cost: Cost
    points: float
    """Accuracy, 0..100."""


@dataclass(frozen=True, slots=True)
class LossReport:
    """One step of compression."""

    step: str
    unit: str
    """What the points are: AP50, or plates read exactly."""
    before: State
    after: State
    parity: Parity
    left_out: tuple[str, ...] = field(default=())
    """Layers that kept full precision."""

    @property
    def lost(self) -> float:
        """Points of accuracy that were lost; below 0 if the smaller model is better."""
        return self.before.points - self.after.points

    def require(self, bound: float) -> None:
        """Refuse a loss beyond the bound of the recipe.

        Raises:
            ParityError: more than `bound` points were lost.
        """
        if self.lost > bound:
            problem = Problem(
                f"{self.step} cost {self.lost:.2f} points of {self.unit}, from {self.before.points:.2f}",
                expected=f"at most {bound:g}",
                fix="calibrate on more pictures or with --calibrate percentile, or allow more: --bound",
            )
            raise ParityError(str(problem))

    def rows(self) -> list[tuple[str, str, str]]:
        """Name, before and after of every figure, as a person reads it."""
        a, b = self.before, self.after
        return [
            ("size, MB", f"{a.cost.megabytes:.2f}", f"{b.cost.megabytes:.2f}"),
            ("parameters", f"{a.cost.parameters:,}", f"{b.cost.parameters:,}"),
            ("multiply-accumulates, million", f"{a.cost.macs / 1e6:.1f}", f"{b.cost.macs / 1e6:.1f}"),
            ("ms, one thread of this CPU", f"{a.cost.milliseconds:.2f}", f"{b.cost.milliseconds:.2f}"),
            (self.unit, f"{a.points:.2f}", f"{b.points:.2f}"),
            ("mean difference of outputs", "-", f"{self.parity.mean:.2g}"),
            ("layers in full precision", "all", str(len(self.left_out))),
        ]

    def as_json(self) -> dict[str, Any]:  # Any: the values that JSON has
        """All figures."""
        return asdict(self) | {"lost": self.lost}


def report(
    step: str, files: tuple[Path, Path], points: tuple[float, float], trial: Probe, left_out: Sequence[str] = ()
) -> LossReport:
    """The report of a step from one file to another, whose accuracies are known; costs are measured here."""
    before, after = files
    example = trial.inputs[0]
    return LossReport(
        step=step,
        unit=trial.unit,
        before=State(cost(before, example), points[0]),
        after=State(cost(after, example), points[1]),
        parity=compare(before, after, trial.inputs[:20]),
        left_out=tuple(left_out),
    )
