"""A reader learns from real and drawn plates, says the same after export, and starts from PP-OCRv6."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from flowalpr.lab.compression.parity import outputs, session
from flowalpr.lab.datasets.sample import DataError, Dataset, Plate, Sample, load, save
from flowalpr.lab.training.calibration import best_temperature
from flowalpr.lab.training.checkpoint import TrainingError, save_atomically
from flowalpr.lab.training.loop import LoopRecipe
from flowalpr.lab.training.pretrained import pretrained_weights
from flowalpr.lab.training.reader import IGNORED, Logits, ReaderNetwork, load_pretrained, losses
from flowalpr.lab.training.reader_data import RealPlate, census, chances, real_plates, upright
from flowalpr.lab.training.reader_task import ReaderRecipe, ReaderTask, train_reader
from flowalpr.vision.reader import read_with

LATIN = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two pictures of white plates with text: a straight one, and one of two rows on its side."""
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    samples = []
    corners = ((180.0, 20.0), (180.0, 140.0), (100.0, 140.0), (100.0, 20.0))  # its left end points upwards
    for number, (text, plate) in enumerate(
        [
            ("AB12", Plate(box=(60, 40, 120, 30), text="AB12", country="D")),
            ("XY34", Plate(box=(100, 20, 80, 120), corners=corners, text="XY34", country="GB", rows=2)),
        ]
    ):
        image = np.full((160, 240, 3), 80, np.uint8)
        x, y, width, height = (int(value) for value in plate.box or ())
        image[y : y + height, x : x + width] = 240
        cv2.putText(image, text, (x + 8, y + 24), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (10, 10, 10), 2)
        cv2.imwrite(str(folder / f"images/{number}.png"), image)
        samples.append(Sample(file=f"images/{number}.png", width=240, height=160, plates=(plate,)))
    save(Dataset(folder, tuple(samples)))
    return folder


def recipe(data: Path, steps: int = 2, **more: object) -> ReaderRecipe:
    """A recipe for a few steps from nothing, without any typeface of this machine."""
    loop = LoopRecipe(
        steps=steps, batch=4, warm_up=3, validate_every=steps, average=0.2, rate=1e-4, precision="fp32", threads=1
    )
    chosen = {"alphabet": LATIN, "countries": ("DE", "GB"), "train": (data,), "validate_on": (data,)}
    return ReaderRecipe.model_validate({**chosen, "fonts": (), "start": None, "loop": loop, **more})


def test_real_plates_are_cut_out_with_their_text_and_iso_country(data: Path) -> None:
    straight, turned = real_plates(data, LATIN)
    assert (straight.text, straight.country, straight.rows) == ("AB12", "DE", 1)
    assert (turned.text, turned.country, turned.rows) == ("XY34", "GB", 2)
    # 120 x 30 pixels, and 80 x 120 on its side, with a tenth of that around.
    assert straight.cut(0.1).shape == (36, 144, 3)
    assert turned.cut(0.0).shape == (80, 120, 3)
    assert straight.cut(0.0).mean() > straight.cut(0.3).mean()


def test_plates_with_characters_outside_the_alphabet_are_left_out(data: Path) -> None:
    assert [plate.text for plate in real_plates(data, "AB12")] == ["AB12"]


def test_a_reader_with_nothing_to_read_says_so(data: Path) -> None:
    with pytest.raises(TrainingError, match=r"learn from.*0 of 2 plates; 2 have characters that `alphabet` lacks: 1 2"):
        ReaderTask(recipe(data, alphabet="QRST"))
    with pytest.raises(TrainingError, match="no plate to validate on"):
        ReaderTask(recipe(data, alphabet="QRST", train=[], real=0))


def test_it_is_counted_what_a_reader_cannot_learn_from(data: Path) -> None:
    plates = (Plate(text="AB12"), Plate(box=(1, 1, 9, 9)), Plate(box=(1, 1, 9, 9), text="AÉ1"))
    save(Dataset(data, (*load(data), Sample(file="images/0.png", width=240, height=160, plates=plates))))
    said = str(census(data, LATIN)).removeprefix(str(data))
    assert said == (
        ": 2 of 5 plates; 1 have no text; 1 have no box (`flowalpr data label` finds it); "
        "1 have characters that `alphabet` lacks: É"
    )


def test_a_picture_that_is_missing_is_named_with_its_line(data: Path) -> None:
    (data / "images/1.png").unlink()
    with pytest.raises(DataError, match=r"labels\.jsonl:2:1  there is no picture .*1\.png\n.*flowalpr data check"):
        ReaderTask(recipe(data))
    (data / "images/1.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"labels\.jsonl:2:1 .*1\.png cannot be read"):
        ReaderTask(recipe(data))


def test_two_folders_of_one_name_are_two_figures(data: Path) -> None:
    other = data.parent / "other" / "data"
    other.parent.mkdir()
    data.rename(other)
    save(Dataset(data, tuple(each.model_copy(update={"file": f"../other/data/{each.file}"}) for each in load(other))))
    task = ReaderTask(recipe(data, validate_on=(data, other)))
    assert list(task.score(task.network)) == ["read", str(data), str(other)]


def test_plates_are_drawn_by_layouts_of_ones_own(data: Path, tmp_path: Path) -> None:
    layout = "- {name: own, country: XX, weight: 1, size: [520, 110], faces: [din], patterns: [Q9Q9]}"
    (tmp_path / "own.yaml").write_text(layout)
    task = ReaderTask(recipe(data, train=(), layouts=tmp_path, draw=["XX"]))
    texts = task.batch(np.random.default_rng(0), 4).texts
    assert all(text is not None and len(text) == 4 and text[0] == LATIN.index("Q") + 1 for text in texts)
    with pytest.raises(TrainingError, match=r"no layout is of YY[^$]*`real: 1`"):
        ReaderTask(recipe(data, draw=["YY"]))


def test_rare_countries_and_two_rows_are_drawn_more_often(data: Path) -> None:
    straight, turned = real_plates(data, LATIN)
    plates = [straight] * 16 + [turned]
    shares = np.diff(chances(plates, balance=0.5, two_rows=3.0), prepend=0.0)
    assert shares[-1] == pytest.approx(3 * 16**0.5 * shares[0])
    assert shares.sum() == pytest.approx(1)


@given(st.floats(-0.7, 0.7), st.integers(0, 3), st.floats(1.2, 6))
def test_corners_start_at_the_top_left_wherever_they_began(angle: float, turns: int, ratio: float) -> None:
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    plate = (np.array([[0, 0], [ratio, 0], [ratio, 1], [0, 1]]) @ turn).astype(np.float32)
    assert np.array_equal(upright(np.roll(plate, turns, 0)), plate)


def test_the_same_seed_gives_the_same_batch(data: Path) -> None:
    task = ReaderTask(recipe(data))
    one, other = (task.batch(np.random.default_rng(3), 6) for _ in range(2))
    assert torch.equal(one.pictures, other.pictures)
    assert one.texts == other.texts
    assert one.pictures.shape == (6, 1, 48, 192)
    assert one.pictures.min() >= -1
    assert one.pictures.max() <= 1


def test_a_two_row_plate_is_either_unfolded_and_read_or_whole_and_only_told_apart(data: Path) -> None:
    batch = ReaderTask(recipe(data, real=1.0, two_rows=50)).batch(np.random.default_rng(1), 40)
    kinds = {(text is None, int(rows)) for text, rows in zip(batch.texts, batch.rows, strict=True)}
    assert kinds <= {(False, 0), (False, IGNORED), (True, 1)}
    assert {(False, IGNORED), (True, 1)} <= kinds


def test_a_batch_of_which_nothing_is_known_costs_nothing() -> None:
    logits = Logits(torch.zeros(2, 24, 5), torch.zeros(2), torch.zeros(2, 3))
    unknown = torch.full((2,), IGNORED)
    assert all(float(part) == 0 for part in losses(logits, [None, None], unknown, unknown).values())


def test_being_right_costs_less_than_being_wrong() -> None:
    right = torch.zeros(1, 24, 3)
    right[0, :, 0] = 9.0
    right[0, 4, 1], right[0, 9, 2] = 20.0, 20.0
    logits = Logits(right, torch.tensor([-9.0]), torch.tensor([[9.0, 0.0]]))
    good = losses(logits, [[1, 2]], torch.tensor([0]), torch.tensor([0]))
    bad = losses(logits, [[2, 1]], torch.tensor([1]), torch.tensor([1]))
    assert all(good[name] < 0.1 < bad[name] for name in good)


@pytest.mark.slow
def test_a_reader_learns_two_plates_by_heart(data: Path, tmp_path: Path) -> None:
    wanted = recipe(data, steps=6, real=1.0, start="pretrained")
    task = ReaderTask(wanted)
    batch = task.batch(np.random.default_rng(0), 4)
    before = sum(float(part.detach()) for part in task.loss(task.network, batch, torch.device("cpu")).values())
    figures = train_reader(wanted, tmp_path / "out")
    task = ReaderTask(wanted.model_copy(update={"start": tmp_path / "out/best.pt"}))
    after = sum(float(part.detach()) for part in task.loss(task.network, batch, torch.device("cpu")).values())
    assert after < before
    assert 0 <= figures["read"] <= 100


@pytest.mark.slow
def test_the_network_rebuilt_says_what_the_pretrained_one_says() -> None:
    network = ReaderNetwork(len(LATIN), 2).eval()
    load_pretrained(network, pretrained_weights("rec"), LATIN)
    grey = torch.rand(1, 1, 48, 192, generator=torch.Generator().manual_seed(1)) * 2 - 1
    (theirs,) = outputs(session(pretrained_weights("rec")), [grey.repeat(1, 3, 1, 1).numpy()])
    with torch.no_grad():
        ours = network(grey).characters.softmax(2).numpy()
    # The small head sees the same features: chances of two digits relate alike. 1e-3: float32 sums in other orders.
    import onnx

    held = {p.key: p.value for p in onnx.load(pretrained_weights("rec")).metadata_props}["character"].split("\n")
    classes = [1 + held.index(c) for c in LATIN]
    assert np.allclose(
        ours[..., 1:] / ours[..., 1:].sum(2, keepdims=True),
        theirs[..., classes] / theirs[..., classes].sum(2, keepdims=True),
        atol=1e-3,
    )


class OneLetter:
    """A network that says A in every picture, as surely as it is told."""

    provider = "test"

    def __init__(self, logit: float) -> None:
        self._logit = logit

    def run(self, batch: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Characters, rows and country for any batch."""
        characters = np.zeros((len(batch), 24, 1 + len(LATIN)), np.float32)
        characters[..., 0] = 90.0
        characters[:, 5, 0], characters[:, 5, 1 + LATIN.index("A")] = 0.0, self._logit
        return [characters, np.full(len(batch), -1, np.float32), np.zeros((len(batch), 2), np.float32)]


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 9), st.floats(6.0, 9.0))
def test_the_best_temperature_makes_confidence_equal_to_the_share_read_right(right: int, logit: float) -> None:
    image = np.zeros((30, 100, 3), np.uint8)
    plates = [RealPlate(image, (10, 5, 80, 20), None, "A" if k < right else "B", None, 1) for k in range(10)]
    wanted = recipe(Path("nowhere"))
    temperature = best_temperature(OneLetter(logit), wanted, plates)
    details = wanted.details.model_copy(update={"temperature": temperature})
    (reading,) = read_with(OneLetter(logit), wanted.input, details, [image])
    # The temperatures tried lie 5 % apart and end at 4; at such logits that is less than 0.1 of confidence.
    assert temperature == pytest.approx(4.0) or abs(reading.confidence - right / 10) < 0.1


def test_weights_of_another_alphabet_are_refused(data: Path, tmp_path: Path) -> None:
    save_atomically({"network": ReaderNetwork(4, 2).state_dict()}, tmp_path / "best.pt")
    with pytest.raises(TrainingError, match="another network"):
        ReaderTask(recipe(data, start=tmp_path / "best.pt"))
