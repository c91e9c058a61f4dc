"""Readers turn stripes, of one row or two, into texts with confidences."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from support.models import stripe_reader

from flowalpr.errors import SetupError
from flowalpr.vision.manifest import ModelInput
from flowalpr.vision.reader import Reader, best_path, softmax, unfolded, whole

INPUT = ModelInput(colour="grey", mean=(127.5,), scale=(1 / 127.5,), width=192, height=48)
Picture = NDArray[np.uint8]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """A reader of dark and bright stripes."""
    return Reader(stripe_reader(tmp_path_factory.mktemp("models") / "stripes"))


def striped(text: str, height: int = 40, stripe: int = 16) -> Picture:
    """A dark stripe for A, a bright one for B, a grey one for a blank."""
    levels = {"A": 0, "B": 255, " ": 127}
    row = np.repeat(np.array([levels[sign] for sign in text], np.uint8), stripe)
    return np.repeat(np.tile(row, (height, 1))[..., None], 3, axis=2)


def test_stripes_are_read_in_order_and_surely(reader: Reader) -> None:
    (reading,) = reader.read([striped(" A B A A B  ")])
    assert reading.text == "ABAAB"
    assert reading.rows == 1
    assert len(reading.confidences) == 5
    assert reading.confidence == pytest.approx(np.prod(reading.confidences))
    assert reading.confidence > 0.9


def test_several_plates_are_read_as_one_by_one(reader: Reader) -> None:
    crops = [striped("A A         "), striped("B B B       ", height=24), striped("            ")]
    assert [reading.text for reading in reader.read(crops)] == ["AA", "BBB", ""]
    assert reader.read(crops) == [reader.read([crop])[0] for crop in crops]


def test_a_plate_without_text_has_no_confidence(reader: Reader) -> None:
    (reading,) = reader.read([striped("            ")])
    assert (reading.text, reading.confidence, reading.confidences) == ("", 0.0, ())


def test_the_upper_row_is_read_before_the_lower_one(reader: Reader) -> None:
    plate = np.concatenate([striped(" B B  ", 40), striped("  AA  ", 40)])
    (reading,) = reader.read([plate])
    assert (reading.text, reading.rows) == ("BBA", 2)


def test_a_long_plate_has_one_row_whatever_the_network_says(reader: Reader) -> None:
    plate = np.concatenate([striped("BBBBBBBBBBBB", 20), striped("AAAAAAAAAAAA", 20)])
    assert reader.read([plate])[0].rows == 1
    assert reader.read([plate[:, :120]])[0].rows == 2


def test_a_country_is_named_only_when_it_is_clear(reader: Reader) -> None:
    bright, dark, grey = reader.read([striped("BBBBBBBBBBBB"), striped("AAAAAAAAAAAA"), striped("            ")])
    assert (bright.country, dark.country, grey.country) == ("AA", "BB", None)


def test_no_plates_give_no_readings(reader: Reader) -> None:
    assert reader.read([]) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 2), (2000, 3000)])
def test_plates_of_any_size_are_read(reader: Reader, shape: tuple[int, int]) -> None:
    assert len(reader.read([np.full((*shape, 3), 200, np.uint8)])) == 1


def test_a_manifest_of_another_alphabet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="it is no reader of 3 characters"):
        Reader(stripe_reader(tmp_path / "stripes", alphabet="ABC"))


@given(st.integers(1, 400), st.integers(1, 400))
def test_whatever_is_cut_out_fits_the_network(height: int, width: int) -> None:
    crop = np.zeros((height, width, 3), np.uint8)
    assert whole(crop, INPUT).shape == unfolded(crop, INPUT).shape == (48, 192, 3)


def test_halves_of_an_unfolded_plate_lie_side_by_side() -> None:
    plate = np.concatenate([striped("BBBBBB"), striped("AAAAAA")])
    strip = unfolded(plate, INPUT, overlap=0.0)
    assert strip[:, :96].min() == 255
    assert strip[:, 96:].max() == 0


LOGITS = arrays(np.float32, (24, 4), elements=st.floats(-50, 50, width=32))


@given(LOGITS)
def test_confidences_belong_to_characters_and_are_chances(logits: NDArray[np.float32]) -> None:
    text, confidences = best_path(softmax(logits), "XYZ")
    assert len(text) == len(confidences) <= 24
    assert set(text) <= set("XYZ")
    assert all(0 < confidence <= 1 + 1e-6 for confidence in confidences)


@given(LOGITS, st.floats(1.0, 10.0))
def test_a_higher_temperature_changes_no_text_and_makes_less_sure(
    logits: NDArray[np.float32], temperature: float
) -> None:
    sharp, soft = softmax(logits), softmax(logits / np.float32(temperature))
    # 1e-5: rounding of exponents of numbers up to 50 in float32.
    assert np.all(soft.max(axis=1) <= sharp.max(axis=1) + 1e-5)
    assert np.allclose(soft.sum(axis=1), 1, atol=1e-5)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=24))
def test_a_character_is_read_once_for_each_run_of_its_columns(classes: list[int]) -> None:
    chances = np.eye(4, dtype=np.float32)[classes]
    text, _ = best_path(chances, "XYZ")
    runs = [now for before, now in zip([0, *classes], classes, strict=False) if now not in (0, before)]
    assert text == "".join("XYZ"[each - 1] for each in runs)
