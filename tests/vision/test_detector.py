"""Finding plates with a real, tiny model."""

from pathlib import Path

import numpy as np
import pytest
from support.white_finder import write_white_finder

from flowalpr import SetupError
from flowalpr.vision.detector import Detector, decode, find_with
from flowalpr.vision.manifest import ModelInput

INPUT = ModelInput(colour="bgr", mean=(0, 0, 0), scale=(1 / 255,) * 3, multiple_of=32)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_white_finder(tmp_path / "white-finder")


def black(height: int, width: int) -> np.ndarray:
    return np.zeros((height, width, 3), np.uint8)


def test_a_plate_is_found_where_it_is_in_a_picture_of_any_size(model: Path) -> None:
    for height, width, longest in ((320, 320, 320), (720, 1280, 640), (100, 333, 960)):
        scale = min(1, longest / max(height, width))
        step = round(8 / scale)
        image = black(height, width)
        image[4 * step : 5 * step, 7 * step : 8 * step] = 255
        (found,) = Detector(model, 0.5, longest).find(image)
        middle = ((found.box.left + found.box.right) / 2, (found.box.top + found.box.bottom) / 2)
        assert middle == pytest.approx((7.5 * step, 4.5 * step), abs=1)
        assert found.box.width == pytest.approx(64 / scale, rel=0.01)
        assert found.confidence == pytest.approx(0.88, abs=0.01)
        np.testing.assert_allclose(found.corners[0], (found.box.left, found.box.top), atol=0.01)
        np.testing.assert_allclose(found.corners[2], (found.box.right, found.box.bottom), atol=0.01)


def test_cells_that_name_the_same_plate_give_one_finding(model: Path) -> None:
    image = black(160, 160)
    image[80:88, 64:88] = 255
    assert len(Detector(model, 0.5).find(image)) == 1


def test_plates_apart_are_found_apart_surest_first(model: Path) -> None:
    image = black(160, 320)
    image[40:48, 40:48], image[120:128, 240:248] = 235, 255
    first, second = Detector(model, 0.5).find(image)
    assert first.confidence > second.confidence
    assert first.box.left > second.box.left


def test_a_box_never_leaves_the_picture(model: Path) -> None:
    image = black(96, 96)
    image[0:8, 0:8] = 255
    (found,) = Detector(model, 0.5).find(image)
    assert found.box.left == found.box.top == 0
    assert found.corners[0, 0] < 0  # Corners may: the plate goes on outside.


def test_nothing_is_found_below_the_confidence_asked_for(model: Path) -> None:
    image = black(96, 96)
    image[40:48, 40:48] = 255
    assert Detector(model, 0.95).find(image) == []
    assert Detector(model, 1.0).find(image) == []


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (31, 33)])
def test_pictures_of_odd_sizes_are_searched_too(model: Path, size: tuple[int, int]) -> None:
    assert Detector(model, 0.5).find(black(*size)) == []


def test_a_network_that_is_no_detector_of_ours_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"white-finder.*13"):
        Detector(write_white_finder(tmp_path / "m", values=6))


def test_an_unknown_model_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SetupError, match="no-such-model"):
        Detector("no-such-model")


def test_every_cell_is_decoded_at_a_confidence_of_nothing() -> None:
    values = np.zeros((13, 4, 5), np.float32)
    scores, boxes, corners = decode(values, at_least=0.0)
    assert (scores.shape, boxes.shape, corners.shape) == ((20,), (20, 4), (20, 4, 2))


class ByDistance:
    """A network that sees one plate in the middle: as surely as it is told of the canvas of that many columns."""

    provider = "test"

    def __init__(self, logits: dict[int, float], width: float = 96.0) -> None:
        self.looks: list[int] = []
        self._logits, self._width = logits, width

    def run(self, batch: np.ndarray) -> list[np.ndarray]:
        columns = batch.shape[3]
        self.looks.append(columns)
        values = np.full((1, 13, batch.shape[2] // 8, columns // 8), -9.0, np.float32)
        values[0, :, batch.shape[2] // 16, columns // 16] = 0
        values[0, 3, batch.shape[2] // 16, columns // 16] = np.log(self._width / 8)
        values[0, 0, batch.shape[2] // 16, columns // 16] = self._logits[columns]
        return [values]


def test_a_plate_too_near_to_be_seen_whole_is_looked_at_from_twice_as_far() -> None:
    network = ByDistance({160: 0.0, 96: 2.0})
    (found,) = find_with(network, INPUT, black(160, 160), 0.6, 160)
    assert network.looks == [160, 96]
    assert found.confidence == pytest.approx(0.88, abs=0.01)
    assert found.box.width > 150


def test_a_plate_that_is_found_surely_or_that_is_small_is_looked_at_once() -> None:
    for network in (ByDistance({160: 2.0}), ByDistance({160: 0.0}, width=40.0), ByDistance({160: -2.0})):
        find_with(network, INPUT, black(160, 160), 0.02, 160)
        assert network.looks == [160]
