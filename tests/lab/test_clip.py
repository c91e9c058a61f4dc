"""The sample clip that ships, and the code that rendered it."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from flowalpr import Frame, SetupError
from flowalpr.lab.datasets.checks import check
from flowalpr.lab.datasets.sample import Plate, load
from flowalpr.lab.datasets.synthetic import gate, signs
from flowalpr.lab.datasets.synthetic.clip import QUEUE, frames, render_sample, scene_at
from flowalpr.testing import feed
from flowalpr_builtin.sources.images import Images
from flowalpr_builtin.sources.video import Video

SAMPLE = Path(__file__).parents[2] / "flows" / "sample"


@pytest.fixture(scope="module")
def shown() -> list[Frame]:
    return [frame for frame in feed(Video(path=str(SAMPLE / "gate.mp4"))) if isinstance(frame, Frame)]


@pytest.fixture(scope="module")
def truth() -> list[list[Plate]]:
    lines = [json.loads(line) for line in (SAMPLE / "gate.truth.jsonl").read_text().splitlines()]
    assert [line["frame"] for line in lines] == list(range(len(lines)))
    return [[Plate(**plate) for plate in line["plates"]] for line in lines]


def contrast(image: np.ndarray, plate: Plate) -> float:
    """How much lighter, in grey levels, a plate is than its dark holder around it."""
    corners = np.array(plate.corners, np.float32)
    middle = corners.mean(axis=0)
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)

    def mask(grown: float) -> np.ndarray:
        # The holder is as wide on all sides, so a plate grows by pixels of its height, not by a share of its width.
        towards = np.sign(corners - middle) * grown * abs(corners[3, 1] - corners[0, 1])
        filled = np.zeros(grey.shape, np.uint8)
        return cv2.fillPoly(filled, [np.round(corners + towards).astype(np.int32)], 1)

    ring = (mask(0.10) - mask(0.04)) > 0
    inside = mask(-0.12) > 0
    return float(np.percentile(grey[inside], 70) - np.median(grey[ring]))


def test_the_clip_has_a_line_of_truth_for_every_frame(shown: list[Frame], truth: list[list[Plate]]) -> None:
    assert len(shown) == len(truth) == 80
    assert {frame.image.shape for frame in shown} == {(720, 1280, 3)}
    assert (shown[-1].stamp.time - shown[0].stamp.time).total_seconds() == pytest.approx(7.9)
    assert (SAMPLE / "gate.mp4").stat().st_size < 1_000_000


def test_every_plate_of_the_truth_is_there_to_be_seen(shown: list[Frame], truth: list[list[Plate]]) -> None:
    for frame, plates in zip(shown, truth, strict=True):
        for plate in plates:
            assert plate.bounds
            assert plate.corners
            left, top, right, bottom = plate.bounds
            assert 0 <= left < right <= frame.width
            assert 0 <= top < bottom <= frame.height
            assert np.allclose([left, top], np.min(plate.corners, axis=0), atol=0.2)
            if plate.text:
                assert contrast(frame.image, plate) > 25, f"frame {frame.stamp.number}"


def test_no_plate_is_where_the_truth_is_moved_to(shown: list[Frame], truth: list[list[Plate]]) -> None:
    (plate,) = truth[70]
    assert plate.corners
    moved = plate.model_copy(update={"corners": tuple((x + 60, y - 120) for x, y in plate.corners)})
    assert contrast(shown[70].image, moved) < 25, "else the test above could not fail"


def test_each_car_can_be_read_for_a_second_or_more(truth: list[list[Plate]]) -> None:
    texts = [plate.text for plates in truth for plate in plates if plate.text]
    assert {text: texts.count(text) >= 10 for text in texts} == {car.sign.text: True for car in QUEUE}


def test_the_pictures_agree_with_their_labels() -> None:
    labelled = load(SAMPLE / "pictures")
    assert [mistake for mistake in check(labelled) if mistake] == []
    pictures = {
        frame.source: frame for frame in feed(Images(path=str(SAMPLE / "pictures"))) if isinstance(frame, Frame)
    }
    assert set(pictures) == {sample.file for sample in labelled}
    for sample in labelled:
        assert (pictures[sample.file].width, pictures[sample.file].height) == (sample.width, sample.height)
        assert sample.plates
        assert all(contrast(pictures[sample.file].image, plate) > 25 for plate in sample.plates)
        assert (SAMPLE / "pictures" / sample.file).stat().st_size <= 60_000


def test_cars_keep_their_distance_and_the_barrier_is_up_while_one_passes() -> None:
    for time in np.arange(0, 8, 0.05):
        scene = scene_at(float(time), list(QUEUE))
        depths = [each.z for each in scene.cars]
        assert all(second - first > 4.3 for first, second in pairwise(depths)), time
        assert all(scene.raised > 0.9 for z in depths if z < gate.BARRIER < z + 4.0), time


@pytest.mark.slow
@pytest.mark.data
def test_the_clip_is_what_the_code_renders(shown: list[Frame], truth: list[list[Plate]], photographs: Path) -> None:
    image, plates = next(frames([car.painted(photographs / "fonts") for car in QUEUE], seed=1))
    assert plates == truth[0]
    assert cv2.PSNR(image, shown[0].image) > 30, "decibels; compression leaves some 35"


def test_a_missing_typeface_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"\.ttf is missing"):
        signs.draw(QUEUE[0].sign, tmp_path)
    with pytest.raises(SetupError):
        render_sample(tmp_path / "new", tmp_path)
    assert not (tmp_path / "new").exists(), "nothing half done is left"
