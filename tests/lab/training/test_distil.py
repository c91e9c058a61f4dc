"""A network learns from what another says, beside its labels."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from pydantic import ValidationError
from support.models import stripe_reader

from flowalpr.errors import SetupError
from flowalpr.lab.datasets.sample import Dataset, Plate, Sample, save
from flowalpr.lab.training.checkpoint import TrainingError
from flowalpr.lab.training.detector_task import DetectorRecipe, DetectorTask
from flowalpr.lab.training.distil import Pupil, TeacherRecipe
from flowalpr.lab.training.loop import LoopRecipe
from flowalpr.lab.training.reader import ReaderNetwork
from flowalpr.lab.training.reader_small import SmallReader
from flowalpr.lab.training.reader_task import ReaderRecipe, ReaderTask, train_reader
from flowalpr.lab.training.views import ViewRecipe

CPU = torch.device("cpu")
LOOP = {"steps": 24, "batch": 6, "rate": 0.003, "warm_up": 2, "validate_every": 12, "precision": "fp32", "threads": 1}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """One grey picture with a striped plate of text AB."""
    image = np.full((96, 240, 3), 90, np.uint8)
    image[30:66, 40:200:20] = 250
    folder = tmp_path / "data"
    folder.mkdir()
    cv2.imwrite(str(folder / "0.png"), image)
    plate = Plate(box=(30, 28, 180, 40), text="AB", country="AA")
    save(Dataset(folder, (Sample(file="0.png", width=240, height=96, plates=(plate,)),)))
    return folder


def reader(data: Path, **more: object) -> ReaderRecipe:
    chosen = {"alphabet": "AB", "countries": ("AA", "BB"), "train": (data,), "validate_on": (data,), "real": 1.0}
    chosen |= {"fonts": (), "margin": 0.0, "network": "small", "start": None, "loop": LoopRecipe.model_validate(LOOP)}
    return ReaderRecipe.model_validate(chosen | more)


@pytest.mark.slow
def test_a_small_reader_comes_nearer_to_its_teacher(data: Path, tmp_path: Path) -> None:
    teacher = TeacherRecipe(model=str(stripe_reader(tmp_path / "stripes")))
    train_reader(reader(data, teacher=teacher), tmp_path / "out")
    with (tmp_path / "out" / "curves.csv").open(newline="") as file:
        first, last = (float(row["taught"]) for row in csv.DictReader(file))
    assert last < 0.85 * first


def test_a_teacher_counts_by_its_share_and_leaves_the_labels_their_own(data: Path, tmp_path: Path) -> None:
    model = str(stripe_reader(tmp_path / "stripes"))
    parts = []
    for share in (1.0, 2.0):
        pupil = Pupil(ReaderTask(reader(data)), TeacherRecipe(model=model, share=share), "reader")
        pupil.network.eval()
        batch = pupil.batch(np.random.default_rng(0), 2)
        parts.append({name: float(part.detach()) for name, part in pupil.loss(pupil.network, batch, CPU).items()})
    assert parts[1]["taught"] == pytest.approx(2 * parts[0]["taught"], rel=1e-3)
    assert parts[1]["characters"] == pytest.approx(parts[0]["characters"])


def test_a_detector_is_taught_by_the_one_in_the_box(data: Path) -> None:
    views = ViewRecipe(shapes=((64, 96),), stock=2, mosaic=0, drawn=0, added=0, spoil=0)
    recipe = DetectorRecipe.model_validate(
        {
            "train": [{"folder": data, "share": 1}],
            "validate_on": [data],
            "widths": (8,) * 6,
            "views": views,
            "loop": LOOP,
        }
    )
    pupil = Pupil(DetectorTask(recipe), TeacherRecipe(model="plate-detector"), "detector")
    batch = pupil.batch(np.random.default_rng(0), 2)
    parts = pupil.loss(pupil.network, batch, CPU)
    assert set(parts) == {"score", "box", "corners", "taught"}
    parts["taught"].backward()
    assert any(each.grad is not None and each.grad.any() for each in pupil.network.parameters())


def test_a_teacher_of_another_alphabet_or_task_is_refused(data: Path, tmp_path: Path) -> None:
    task = ReaderTask(reader(data))
    with pytest.raises(TrainingError, match="reads other characters") as caught:
        Pupil(task, TeacherRecipe(model=str(stripe_reader(tmp_path / "others", "XY"))), "reader")
    assert "model.yaml" in str(caught.value)
    with pytest.raises(SetupError, match="a reader is needed"):
        Pupil(task, TeacherRecipe(model="plate-detector"), "reader")


def test_a_small_reader_cannot_start_from_what_it_is_not(data: Path) -> None:
    with pytest.raises(ValidationError, match="no pretrained weights"):
        reader(data, start="pretrained")


def test_a_small_reader_answers_in_the_shapes_of_the_large_one_at_a_quarter_of_its_size() -> None:
    small, large = SmallReader(36, 5).eval(), ReaderNetwork(36, 5).eval()
    with torch.no_grad():
        one, other = (network(torch.zeros(2, 1, 48, 128)) for network in (small, large))
    assert [each.shape for each in one] == [each.shape for each in other]
    sizes = [sum(each.numel() for each in network.parameters()) for network in (small, large)]
    assert sizes[0] < 0.4 * sizes[1]
