"""Training a detector from the command line, on drawn pictures."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from flowalpr.cli.train import app
from flowalpr.lab.datasets.sample import Dataset, Plate, Sample, save
from flowalpr.lab.training.checkpoint import TrainingError
from flowalpr.lab.training.detector_task import INPUT, DetectorRecipe, DetectorTask, TorchSession
from flowalpr.lab.training.recipe import recipe_to_train
from flowalpr.testing import plate_frame
from flowalpr.vision.detector import Detector, find_with

RECIPE = """
train:
  - {{folder: {data}, share: 1}}
validate_on: [{data}]
longest: 160
widths: [8, 16, 16, 16, 16, 16]
views: {{shapes: [[96, 128]], widths: [24, 60], near: 0, stock: 4, mosaic: 0, drawn: 0, added: 0, spoil: 0}}
loop:
  {{steps: {steps}, batch: 8, rate: 0.004, warm_up: 10, validate_every: {steps}, average: 0.9,
   precision: fp32, threads: 1}}
"""


def drawn_data(folder: Path, pictures: int = 6) -> Path:
    """Grey pictures of 160 x 128, each with a white plate with dark bars."""
    rng = np.random.default_rng(1)
    (folder / "images").mkdir(parents=True)
    samples = []
    for number in range(pictures):
        image = rng.integers(40, 110, (128, 160, 3), dtype=np.uint8)
        x, y = int(rng.integers(5, 100)), int(rng.integers(5, 105))
        image[y : y + 16, x : x + 50] = 235
        for bar in range(4):
            image[y + 3 : y + 13, x + 5 + 11 * bar : x + 10 + 11 * bar] = 20
        cv2.imwrite(str(folder / f"images/{number}.png"), image)
        plate = Plate(box=(x, y, 50, 16), text="AB12")
        samples.append(Sample(file=f"images/{number}.png", width=160, height=128, plates=(plate,)))
    save(Dataset(folder, tuple(samples)))
    return folder


def run(tmp_path: Path, recipe: str) -> object:
    (tmp_path / "recipe.yaml").write_text(recipe)
    arguments = ["detector", "--recipe", str(tmp_path / "recipe.yaml"), "--out", str(tmp_path / "out")]
    return CliRunner().invoke(app, arguments)


@pytest.mark.slow
def test_a_small_recipe_learns_to_find_plates_within_a_minute(tmp_path: Path) -> None:
    result = run(tmp_path, RECIPE.format(data=drawn_data(tmp_path / "data"), steps=150))
    assert result.exception is None, result.output
    best = float(result.output.split("best: ap50 ")[1].split()[0])
    assert best > 80
    for name in ("best.pt", "last.pt", "curves.csv", "curves.png", "recipe.yaml"):
        assert (tmp_path / "out" / name).stat().st_size > 0


def test_every_mistake_of_a_recipe_is_named(tmp_path: Path) -> None:
    result = run(tmp_path, "train: []\nvalidate_on: [x]\nloop: {steps: -1, batsh: 3}\n")
    assert isinstance(result.exception, TrainingError)
    for wrong in ("train", "loop.steps", "loop.batsh"):
        assert wrong in str(result.exception)


def test_a_recipe_that_is_not_there_is_said_with_its_path(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["detector", "--recipe", str(tmp_path / "no.yaml"), "--out", str(tmp_path)])
    assert isinstance(result.exception, TrainingError)
    assert "no.yaml" in str(result.exception)


def test_empty_labels_are_said_before_anything_is_learnt(tmp_path: Path) -> None:
    empty = tmp_path / "data"
    empty.mkdir()
    (empty / "labels.jsonl").touch()
    result = run(tmp_path, RECIPE.format(data=empty, steps=1))
    assert isinstance(result.exception, TrainingError)
    assert "no picture is labelled" in str(result.exception)


def test_weights_to_start_with_must_be_of_the_same_network(tmp_path: Path) -> None:
    import torch

    torch.save({"network": {"other": torch.zeros(1)}}, tmp_path / "other.pt")
    recipe = RECIPE.format(data=drawn_data(tmp_path / "data", 1), steps=1) + f"start: {tmp_path / 'other.pt'}\n"
    result = run(tmp_path, recipe)
    assert isinstance(result.exception, TrainingError)
    assert "another network" in str(result.exception)


def test_a_training_can_go_on_from_the_detector_in_the_box(tmp_path: Path) -> None:
    recipe = RECIPE.format(data=drawn_data(tmp_path / "data", 1), steps=1).replace("widths: [8, 16", "# widths: [8, 16")
    (tmp_path / "recipe.yaml").write_text(recipe + "start: plate-detector-quick\n")
    task = DetectorTask(recipe_to_train(tmp_path / "recipe.yaml", DetectorRecipe))
    image = plate_frame().image
    (found,) = find_with(TorchSession(task.network.eval(), half=False), INPUT, image, 0.6, 640)
    (shipped,) = Detector("plate-detector-quick", longest=640).find(image)
    assert np.allclose(found.box, shipped.box, atol=3)
    assert abs(found.confidence - shipped.confidence) < 0.1
