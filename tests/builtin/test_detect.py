"""Detect: frames in, detections out."""

import dataclasses
from pathlib import Path

import pytest
from pydantic import ValidationError
from support.white_finder import write_white_finder

from flowalpr import Detections, SetupError
from flowalpr.testing import feed, plate_frame
from flowalpr_builtin.detect.detect import Detect


@pytest.fixture
def model(tmp_path: Path) -> str:
    return str(write_white_finder(tmp_path / "white-finder"))


def test_a_frame_with_a_plate_gives_a_detection_with_box_and_corners(model: str) -> None:
    frame = plate_frame()
    (found,) = feed(Detect(model=model, at_least=0.8), frame)
    assert isinstance(found, Detections)
    assert found.frame is frame
    assert found.found
    for each in found.found:
        assert 150 < (each.box.left + each.box.right) / 2 < 490
        assert each.corners is not None
        assert each.corners.shape == (4, 2)
        assert each.confidence >= 0.8


def test_a_frame_without_a_plate_gives_empty_detections(model: str) -> None:
    frame = plate_frame()
    (found,) = feed(Detect(model=model, at_least=0.99), frame)
    assert isinstance(found, Detections)
    assert found.found == ()


def test_findings_in_a_part_of_a_picture_are_told_in_pixels_of_the_whole(model: str) -> None:
    whole = plate_frame()
    part = dataclasses.replace(whole, image=whole.image[64:, 128:], offset=(128, 64))
    node = Detect(model=model, at_least=0.85)
    (there,), (here,) = feed(node, whole), feed(node, part)
    boxes = [[(each.box, each.corners.tolist()) for each in found.found] for found in (there, here)]
    assert boxes[0] == boxes[1]


def test_the_box_in_the_wheel_finds_plates_by_default() -> None:
    assert Detect().model == "plate-detector-quick"


def test_a_model_that_is_not_there_is_said_at_opening() -> None:
    with pytest.raises(SetupError, match="no-such-model"):
        Detect(model="no-such-model").open()


@pytest.mark.parametrize("setting", [{"at_least": 1.5}, {"longest": 100}, {"device": "tpu"}])
def test_wrong_settings_are_refused(setting: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Detect(**setting)
