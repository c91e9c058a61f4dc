"""Proof that a network still says what its parent said: the same inputs through both, and a bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from flowalpr.errors import FlowalprError, Problem

if TYPE_CHECKING:
    from onnxruntime import InferenceSession  # type: ignore[import-untyped]  # carries no types


class ParityError(FlowalprError):
    """A compressed or exported network lost more than its recipe allows; nothing was written."""


@dataclass(frozen=True, slots=True)
class Parity:
    """How far the outputs of two networks lie apart on the same inputs."""

    largest: float
    """Largest difference of a single number."""
    mean: float
    """Mean absolute difference."""
    agreement: float
    """Cosine of all outputs as one vector; 1 is the same direction."""

    def require(self, largest: float) -> None:
        """Refuse a difference beyond a bound.

        Raises:
            ParityError: a number differs by more than `largest`.
        """
        if self.largest > largest:
            problem = Problem(
                f"outputs differ by up to {self.largest:.2g} (mean {self.mean:.2g})",
                expected=f"at most {largest:.2g} from the parent network",
                fix="leave out more layers, calibrate on more pictures, or raise the bound in the recipe",
            )
            raise ParityError(str(problem))


def compare(parent: Path, child: Path, inputs: Sequence[npt.NDArray[np.float32]]) -> Parity:
    """The distance between two ONNX networks on the same inputs."""
    return between(outputs(session(parent), inputs), outputs(session(child), inputs))


def between(parent: Sequence[npt.NDArray[np.float32]], child: Sequence[npt.NDArray[np.float32]]) -> Parity:
    """The distance between two lists of outputs of equal shapes."""
    a = np.concatenate([each.ravel() for each in parent]).astype(np.float64)
    b = np.concatenate([each.ravel() for each in child]).astype(np.float64)
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    return Parity(
        largest=float(np.abs(a - b).max(initial=0.0)),
        mean=float(np.abs(a - b).mean()) if a.size else 0.0,
        agreement=float(a @ b) / length if length else 1.0,
    )


def session(model: Path, threads: int = 1) -> InferenceSession:
    """A network opened on the CPU, where every machine gives the same numbers."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    options.add_session_config_entry("session.x64quantprecision", "1")  # As flows run it: see vision/onnx.py.
    return ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def outputs(network: InferenceSession, inputs: Sequence[npt.NDArray[np.float32]]) -> list[npt.NDArray[np.float32]]:
    """All outputs of a network for each of the inputs, in order."""
    name = network.get_inputs()[0].name
    return [np.asarray(each, np.float32) for array in inputs for each in network.run(None, {name: array})]
