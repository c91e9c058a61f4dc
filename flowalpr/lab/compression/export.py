"""From a training's best weights to a model folder: ONNX that every runtime takes, and its contract beside it."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ruamel.yaml import YAML

from flowalpr.lab.compression.parity import Parity, ParityError, between, outputs, session
from flowalpr.lab.datasets.sample import write_lines
from flowalpr.vision.manifest import FILE, Manifest, ModelInput, ReaderDetails

if TYPE_CHECKING:
    import torch

OPSET = 17
"""ONNX operators of 2022: onnxruntime 1.20, OpenVINO 2023 and TensorRT 8.6 and all later ones know them."""
PARITY = 2e-3
"""Largest difference from the network in training; float32 sums in another order differ by some 1e-5."""
BATCH = "n"


@dataclass(frozen=True, slots=True)
class Trained:
    """A network with the best weights of a training, and what its manifest will say."""

    network: torch.nn.Module
    task: str
    input: ModelInput
    reading: ReaderDetails | None
    example: tuple[int, int, int, int]
    """A shape of input: pictures, channels, height, width."""
    outputs: tuple[str, ...]


def trained(run: Path) -> Trained:
    """The network of a training's folder, which holds `recipe.yaml` and `best.pt`.

    Raises:
        TrainingError: the recipe or the weights are missing, damaged, or do not belong together.
    """
    from flowalpr.lab.training.checkpoint import TrainingError, load_checkpoint, load_weights
    from flowalpr.lab.training.loop import BEST
    from flowalpr.lab.training.recipe import read_recipe

    recipe, weights = run / "recipe.yaml", run / BEST
    if not recipe.is_file() or not weights.is_file():
        raise TrainingError(f"{run} is no finished training", f"recipe.yaml and {BEST} in it", "flowalpr train --help")
    made: Trained
    if YAML(typ="safe", pure=True).load(recipe.read_text("utf-8")).get("kind") == "reader":
        from flowalpr.lab.training.reader_task import ReaderRecipe
        from flowalpr.lab.training.reader_task import build as build_reader

        reader = read_recipe(recipe, ReaderRecipe)
        network: torch.nn.Module = build_reader(reader)
        shape = (1, reader.input.channels, reader.input.height or 48, reader.input.width or 192)
        made = Trained(network, "reader", reader.input, reader.details, shape, ("characters", "rows", "country"))
    else:
        from flowalpr.lab.training.detector_task import INPUT, DetectorRecipe, build

        network = build(read_recipe(recipe, DetectorRecipe))
        made = Trained(network, "detector", INPUT, None, (1, INPUT.channels, 384, 640), ("values",))
    load_weights(network, load_checkpoint(weights)["network"], weights)
    network.eval()
    return made


def write_onnx(made: Trained, target: Path) -> Parity:
    """Write a network as ONNX with any number of pictures a batch; gives how near it is to the one in training.

    A detector takes any height and width that are multiples of 32 as well.

    Raises:
        ParityError: it says something else than the network in training; nothing is left at `target`.
    """
    import torch

    free = {0: BATCH} | ({2: "height", 3: "width"} if made.input.multiple_of else {})
    cells = {0: BATCH} | ({2: "rows", 3: "columns"} if made.input.multiple_of else {})
    axes = {"pictures": free} | dict.fromkeys(made.outputs, cells)
    target.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings(), torch.no_grad():
        # The exporter that is to come writes weights into a second file, which a model folder does not have.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            made.network,
            (torch.zeros(made.example),),
            str(target),
            dynamo=False,
            opset_version=OPSET,
            input_names=["pictures"],
            output_names=list(made.outputs),
            dynamic_axes=axes,
        )
    parity = _parity(made, target)
    try:
        parity.require(PARITY)
    except ParityError:
        target.unlink()
        raise
    return parity


def write_model(
    folder: Path,
    weights: Path,
    manifest: Manifest | dict[str, Any],
    **changes: Any,  # Any: fields of the manifest
) -> Manifest:
    """Write `model.yaml` beside weights that lie in the folder, with their true length and checksum; gives it."""
    fields = manifest.model_dump() if isinstance(manifest, Manifest) else dict(manifest)
    content = weights.read_bytes()
    fields |= {"file": weights.name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(), **changes}
    written = Manifest.model_validate(fields)
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = None
    yaml.width = 120
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # ruamel's stub says None
    with (folder / FILE).open("w", encoding="utf-8") as file:
        yaml.dump(written.model_dump(mode="json", exclude_none=True), file)
    return written


def write_card(folder: Path, manifest: Manifest, facts: Sequence[str]) -> None:
    """Write a card to begin with; whoever ships the model adds figures and faults."""
    if (folder / "card.md").exists():
        return
    lines = [
        f"# {manifest.name}, version {manifest.version}",
        "",
        f"A {manifest.task}. Licence of the weights: {manifest.licence}.",
        *([f"Derived from: {manifest.attribution}"] if manifest.attribution else []),
        "",
        *(f"- {fact}" for fact in facts),
        "",
        "Figures: `flowalpr eval end-to-end DATA --report DIR`. Faults: look at the worst cases of that report.",
    ]
    write_lines(folder / "card.md", lines)


def _parity(made: Trained, target: Path) -> Parity:
    """The network in training against the file, on noise, also with two pictures a batch."""
    import torch

    random = np.random.default_rng(0)
    count, *shape = made.example
    inputs = [random.random((size * count, *shape), dtype=np.float32) * 2 - 1 for size in (1, 2)]
    wanted = []
    with torch.no_grad():
        for array in inputs:
            result = made.network(torch.from_numpy(array))
            wanted += [each.numpy() for each in (result if isinstance(result, tuple) else (result,))]
    return between(wanted, outputs(session(target), inputs))
