"""From a trained reader to a model folder: ONNX, smaller numbers, calibrated confidence, manifest."""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import torch
from ruamel.yaml import YAML

from flowalpr.lab.compression.parity import between, outputs, session
from flowalpr.lab.compression.quantize import quantizer, to_fp16
from flowalpr.lab.training.checkpoint import load_checkpoint, load_weights
from flowalpr.lab.training.reader import ReaderNetwork
from flowalpr.vision.image import normalise
from flowalpr.vision.manifest import FILE, Manifest
from flowalpr.vision.reader import Reader, best_path, look, softmax, unfolded, whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from flowalpr.lab.training.reader_data import RealPlate
    from flowalpr.lab.training.reader_task import ReaderRecipe
    from flowalpr.vision.session import Session

OPSET = 17
"""TensorRT 10 and 11, OpenVINO and every onnxruntime that flowalpr supports read it."""
LARGEST_DIFFERENCE = 2e-3
"""Between the logits of PyTorch and of onnxruntime, both float32; a wrong layer gives 1 and more."""

Floats: TypeAlias = "NDArray[np.float32]"
Precision = Literal["fp32", "fp16", "int8"]


def export_reader(recipe: ReaderRecipe, weights: Path, target: Path) -> None:
    """Writes the network of a checkpoint as ONNX in float32, any number of pictures at a time.

    Raises:
        TrainingError: the checkpoint is damaged or of another network.
        ParityError: the written network does not say what the trained one says.
    """
    network = ReaderNetwork(len(recipe.alphabet), len(recipe.countries)).eval()
    load_weights(network, load_checkpoint(weights)["network"], weights)
    example = torch.rand(3, 1, 48, recipe.width, generator=torch.Generator().manual_seed(0)) * 2 - 1
    names = ["characters", "rows", "country"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch 2.13 calls this exporter old; the new one writes two files
        torch.onnx.export(
            network,
            (example,),
            str(target),
            dynamo=False,
            opset_version=OPSET,
            input_names=["plates"],
            output_names=names,
            dynamic_axes={name: {0: "plates"} for name in ["plates", *names]},
        )
    with torch.no_grad():
        wanted = [output.numpy() for output in network(example)]
    between(wanted, outputs(session(target), [example.numpy()])).require(LARGEST_DIFFERENCE)


def shrink(source: Path, target: Path, precision: Precision, inputs: Sequence[Floats], keep: Sequence[str]) -> None:
    """Writes a network with smaller numbers; INT8 is calibrated on `inputs` and leaves the layers of `keep` as is."""
    if precision == "fp32":
        target.write_bytes(source.read_bytes())
    elif precision == "fp16":
        to_fp16(source, target)
    else:
        with quantizer(source, inputs) as forms:
            forms.write(target, [name for name in forms.layers() if any(part in name for part in keep)])


def calibration_inputs(recipe: ReaderRecipe, plates: Iterable[RealPlate]) -> list[Floats]:
    """Plates as the network is given them in a flow, one a batch."""
    return [
        normalise([(unfolded if p.rows == 2 else whole)(p.cut(recipe.margin), recipe.input)], recipe.input)
        for p in plates
    ]


def write_model(folder: Path, onnx: Path, manifest: Manifest) -> None:
    """Puts a network into a model folder with its manifest; length and checksum are filled in here.

    Raises:
        SetupError: the network is not what the manifest says.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = onnx.read_bytes()
    (folder / manifest.file).write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    whole_manifest = manifest.model_copy(update={"bytes": len(content), "sha256": sha256})
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = None
    yaml.allow_unicode = True
    yaml.width = 110
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # ruamel's stub says None
    with (folder / FILE).open("w", encoding="utf-8") as file:
        yaml.dump(whole_manifest.model_dump(mode="json", exclude_none=True), file)
    Reader(folder)


def best_temperature(network: Session, recipe: ReaderRecipe, plates: Sequence[RealPlate]) -> float:
    """The temperature at which the confidence of whole texts costs least (log loss) on these plates."""
    crops = [plate.cut(recipe.margin) for plate in plates]
    logits = [look(network, recipe.input, [crop])[0][0] for crop in crops]

    def cost(temperature: float) -> float:
        total = 0.0
        for plate, each in zip(plates, logits, strict=True):
            text, confidences = best_path(softmax(each / np.float32(temperature)), recipe.alphabet)
            chance = float(np.clip(np.prod(confidences), 1e-4, 1 - 1e-4))
            total -= float(np.log(chance if text == plate.text else 1 - chance))
        return total

    return min((float(t) for t in np.geomspace(0.5, 4.0, 43)), key=cost)
