"""From a training's folder to a model folder, and to smaller forms of it; with real networks of random weights."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch
from typer.testing import CliRunner, Result

from flowalpr.cli.compress import app as compress_app
from flowalpr.cli.export import export
from flowalpr.lab.compression.parity import ParityError
from flowalpr.lab.compression.prune import narrowed, prune
from flowalpr.lab.datasets.sample import DataError, Dataset, Plate, Sample, save
from flowalpr.lab.training.checkpoint import TrainingError
from flowalpr.lab.training.detector import PlateDetector
from flowalpr.lab.training.detector_task import DetectorRecipe, Source
from flowalpr.lab.training.loop import LoopRecipe
from flowalpr.lab.training.recipe import read_recipe, write_recipe
from flowalpr.testing import plate_frame
from flowalpr.vision.detector import Detector
from flowalpr.vision.manifest import find_model

WIDTHS = (8, 16, 16, 32, 48, 16)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(compress_app, [str(each) for each in arguments], catch_exceptions=False)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    samples = []
    for index in range(4):
        cv2.imwrite(str(folder / f"{index}.png"), plate_frame(f"AB {index}").image)
        plate = Plate(box=(190, 150, 260, 60), text=f"AB{index}")
        samples.append(Sample(file=f"{index}.png", width=640, height=360, plates=(plate,)))
    save(Dataset(folder, tuple(samples)))
    return folder


@pytest.fixture(scope="module")
def training(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a training of a small detector leaves it; its weights are random."""
    folder = tmp_path_factory.mktemp("run")
    torch.manual_seed(5)
    recipe = DetectorRecipe(
        train=(Source(folder=drawn, share=1),), validate_on=(drawn,), widths=WIDTHS, loop=LoopRecipe(steps=1)
    )
    write_recipe(recipe, folder / "recipe.yaml")
    torch.save({"network": PlateDetector(WIDTHS).state_dict(), "scores": {}}, folder / "best.pt")
    return folder


@pytest.fixture(scope="module")
def model(training: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "small-detector"
    export(training, to=folder)
    return folder


@pytest.mark.slow
def test_an_exported_model_is_whole_and_takes_any_batch_and_size(model: Path) -> None:
    assert {path.name for path in model.iterdir()} == {"model.onnx", "model.yaml", "recipe.yaml", "card.md"}
    found = find_model(model, "detector")
    assert found.manifest.name == "small-detector"
    onnx.checker.check_model(onnx.load(found.weights), full_check=True)
    detector = Detector(model, at_least=0.0)
    for size in ((64, 96, 3), (360, 640, 3), (37, 1, 3)):
        detector.find(np.zeros(size, np.uint8))


@pytest.mark.slow
def test_half_precision_is_a_model_of_half_the_size(model: Path, drawn: Path, tmp_path: Path) -> None:
    result = run("fp16", model, "--to", tmp_path / "half", "--measure-on", drawn, "--bound", "100", "--json")
    report = json.loads(result.stdout)
    assert report["after"]["cost"]["megabytes"] < 0.62 * report["before"]["cost"]["megabytes"]
    assert report["after"]["cost"]["macs"] == report["before"]["cost"]["macs"] > 0
    found = find_model(tmp_path / "half", "detector")
    assert (found.manifest.name, found.manifest.precision) == ("half", "fp16")
    assert json.loads((tmp_path / "half" / "loss.json").read_text())["step"] == "fp16"


@pytest.mark.slow
def test_int8_is_calibrated_measured_and_kept_as_a_model(model: Path, drawn: Path, tmp_path: Path) -> None:
    result = run(
        "int8", model, "--to", tmp_path / "int8", "--measure-on", drawn, "--calibrate-on", drawn, "--bound", "100"
    )
    assert "ms, one thread" in result.stdout
    assert "points; at most 100 may be lost" in result.stderr
    assert find_model(tmp_path / "int8").manifest.precision == "int8"
    Detector(tmp_path / "int8").find(np.zeros((64, 64, 3), np.uint8))


@pytest.mark.slow
def test_a_loss_beyond_the_bound_leaves_no_model(model: Path, drawn: Path, tmp_path: Path) -> None:
    with pytest.raises(ParityError, match="at most -1"):
        run("fp16", model, "--to", tmp_path / "half", "--measure-on", drawn, "--bound", "-1")
    assert not (tmp_path / "half").exists()


def test_channels_that_do_nothing_are_taken_out_first_and_nothing_changes() -> None:
    torch.manual_seed(3)
    network = PlateDetector(WIDTHS).eval()
    dead = torch.arange(48) % 2 == 1  # Every other channel of the deepest stage, in all that is added up there.
    stage = network.thirtysecond
    with torch.no_grad():
        for conv, norm in [
            (stage[0][0], stage[0][1]),
            *((each.inner[1][0], each.inner[1][1]) for each in list(stage)[1:3]),
        ]:
            for tensor in (conv.weight, norm.weight, norm.bias):
                tensor[dead] = 0
        for each in list(stage)[1:3]:
            for tensor in (each.inner[0][0].weight, each.inner[0][1].weight, each.inner[0][1].bias):
                tensor[12:] = 0
        for tensor in (stage[3].narrow[0].weight, stage[3].narrow[1].weight, stage[3].narrow[1].bias):
            tensor[12:] = 0
    narrow = prune(network, (8, 16, 16, 32, 24, 16))
    pictures = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        torch.testing.assert_close(narrow(pictures), network(pictures), atol=1e-5, rtol=1e-4)  # Sums in another order.


def test_pruned_widths_are_multiples_of_8_and_never_grow() -> None:
    assert narrowed((16, 32, 48, 96, 160, 64), 0.5) == (8, 16, 24, 48, 80, 32)
    assert narrowed((8, 8, 16, 12, 16, 8), 0.9) == (8, 8, 16, 8, 16, 8)


def test_pruning_writes_what_the_training_loop_goes_on_from(training: Path, tmp_path: Path) -> None:
    result = run("prune", training, "--to", tmp_path / "narrow", "--keep", "0.5")
    assert "flowalpr train detector --recipe" in result.stdout
    recipe = read_recipe(tmp_path / "narrow" / "recipe.yaml", DetectorRecipe)
    assert recipe.widths == (8, 8, 8, 16, 24, 8)
    assert recipe.start is not None
    PlateDetector(recipe.widths).load_state_dict(torch.load(recipe.start, weights_only=True)["network"])
    with pytest.raises(DataError, match="no channel would be taken out"):
        run("prune", training, "--to", tmp_path / "same", "--keep", "0.99")


def test_a_folder_that_is_no_training_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"recipe\.yaml and best\.pt"):
        export(tmp_path, to=tmp_path / "model")
