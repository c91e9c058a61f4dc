"""A narrower detector out of a trained one: the channels that matter least are taken out whole.

What is left is a detector of the same kind with smaller `widths`, so that a recipe describes it and the training
loop goes on from it. Until it has, the detector is of no use: the loop gets back what the cut took.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from flowalpr.errors import Problem
from flowalpr.lab.datasets.sample import DataError

if TYPE_CHECKING:
    from flowalpr.lab.training.detector import PlateDetector

Widths = tuple[int, int, int, int, int, int]
ROUND = 8
"""Channels are kept in multiples of this: kernels work on 8 or 16 at a time, and 33 cost as much as 40."""


def prune_run(run: Path, keep: float, target: Path) -> tuple[Widths, Widths]:
    """Prune the best detector of a training; gives its widths before and after.

    `target` gets `start.pt` and a `recipe.yaml` that starts with it, for `flowalpr train detector`.

    Raises:
        DataError: the training is of a reader, or nothing would be left to take out.
        TrainingError: the recipe or the weights are missing or damaged.
    """
    import torch

    from flowalpr.lab.compression.export import trained
    from flowalpr.lab.training.detector import PlateDetector
    from flowalpr.lab.training.detector_task import DetectorRecipe
    from flowalpr.lab.training.recipe import read_recipe, write_recipe

    network = trained(run).network
    if not isinstance(network, PlateDetector):
        raise DataError(Problem(f"{run} is not the training of a small detector", "a recipe with `network: small`"))
    recipe = read_recipe(run / "recipe.yaml", DetectorRecipe)
    widths = narrowed(recipe.widths, keep)
    if widths == recipe.widths:
        raise DataError(Problem(f"with --keep {keep:g} no channel would be taken out", "less, such as 0.7"))
    narrow = prune(network, widths)
    target.mkdir(parents=True, exist_ok=True)
    torch.save({"network": narrow.state_dict()}, target / "start.pt")
    changes = {"widths": widths, "start": (target / "start.pt").resolve()}
    write_recipe(recipe.model_copy(update=changes), target / "recipe.yaml")
    return recipe.widths, widths


def narrowed(widths: Widths, keep: float) -> Widths:
    """The widths of a detector that keeps a share, 0..1, of its channels; each a multiple of 8."""
    return cast("Widths", tuple(min(each, max(ROUND, round(each * keep / ROUND) * ROUND)) for each in widths))


def prune(network: PlateDetector, widths: Widths) -> PlateDetector:
    """A detector of smaller widths with those channels of a trained one whose weights are largest.

    Channels that are added to one another, as around every residual, are kept or taken out together.
    """
    import copy

    import torch
    import torch_pruning  # type: ignore[import-untyped]  # carries no types
    from torch import nn

    from flowalpr.lab.training.detector import PlateDetector

    wanted = PlateDetector(widths)
    pruned = copy.deepcopy(network).eval()
    ties = torch_pruning.DependencyGraph().build_dependency(pruned, torch.zeros(1, 3, 64, 64))
    matters = torch_pruning.importance.GroupMagnitudeImportance(p=2)
    take = torch_pruning.prune_conv_out_channels
    layers = dict(pruned.named_modules())
    for name, layer in wanted.named_modules():
        if not isinstance(layer, nn.Conv2d):
            continue
        wide = cast("nn.Conv2d", layers[name])
        surplus = wide.out_channels - layer.out_channels
        if surplus > 0:
            whole = ties.get_pruning_group(wide, take, idxs=list(range(wide.out_channels)))
            least = torch.argsort(matters(whole))[:surplus].tolist()
            ties.get_pruning_group(wide, take, idxs=least).prune()
    wanted.load_state_dict(pruned.state_dict())
    return wanted.eval()
