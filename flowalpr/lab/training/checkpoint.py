"""Checkpoints: written so that a kill does no harm, read so that a wrong one is told apart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from flowalpr.errors import FlowalprError, Problem


class TrainingError(FlowalprError):
    """Why a training cannot start or go on, and what to do."""

    def __init__(self, what: str, expected: str = "", fix: str = "") -> None:
        super().__init__(str(Problem(what, expected=expected, fix=fix)))


def load_checkpoint(path: Path) -> dict[str, Any]:  # Any: a checkpoint holds tensors, numbers and names
    """What a checkpoint holds.

    Raises:
        TrainingError: the file is damaged or something else.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises what its unpickler and its zip reader raise
        raise TrainingError(f"{path} is no checkpoint, or damaged: {type(error).__name__}", fix="delete it") from error
    return dict(state)


def load_weights(network: nn.Module, weights: Mapping[str, Tensor], path: Path) -> None:
    """Put weights into a network.

    Raises:
        TrainingError: they are of another architecture.
    """
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise TrainingError(
            f"{path} holds weights of another network: {str(error).splitlines()[1].strip()[:160]}",
            expected=f"a {type(network).__name__}",
            fix="give the checkpoint of a run with the same recipe",
        ) from error


def save_atomically(state: Mapping[str, object], path: Path) -> None:
    """Write a checkpoint so that a kill at any moment leaves the old one or the new one, whole."""
    part = path.with_suffix(".part")
    torch.save(dict(state), part)
    part.replace(path)
