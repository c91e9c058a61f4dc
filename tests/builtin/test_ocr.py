"""The reading node takes what was found and gives what it says."""

import numpy as np
import pytest
from numpy.typing import NDArray
from support.models import stripe_reader

from flowalpr import Box, Detection, Detections, Frame, PlateRead, SetupError
from flowalpr.testing import feed, plate_frame
from flowalpr_builtin.ocr.ocr import Ocr


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A reader of dark and bright stripes."""
    return str(stripe_reader(tmp_path_factory.mktemp("models") / "stripes"))


def frame_with(plate: NDArray[np.uint8], left: int, top: int) -> Frame:
    """A grey frame with that plate in it."""
    frame = plate_frame("")
    image = np.full_like(frame.image, 127)
    image[top : top + plate.shape[0], left : left + plate.shape[1]] = plate
    return Frame(image, frame.stamp)


def plate_of(*levels: int) -> NDArray[np.uint8]:
    """Stripes of these levels, 16 pixels wide and 40 high."""
    row = np.repeat(np.array(levels, np.uint8), 16)
    return np.repeat(np.tile(row, (40, 1))[..., None], 3, axis=2)


DARK_THEN_BRIGHT = plate_of(127, 0, 127, 255, 127, 127, 127, 127, 127, 127, 127, 127)


def test_each_plate_found_gives_a_read_that_leads_to_it(model: str) -> None:
    frame = frame_with(DARK_THEN_BRIGHT, 100, 50)
    detection = Detection(frame, Box(100, 50, 292, 90), 0.9)
    (read,) = feed(Ocr(model=model), Detections(frame, (detection,)))
    assert isinstance(read, PlateRead)
    assert read.text == "AB"
    assert read.detection is detection
    assert len(read.confidences) == 2


def test_a_plate_on_its_side_is_read_by_its_corners(model: str) -> None:
    turned = np.rot90(DARK_THEN_BRIGHT, k=-1)  # its left end points upwards now
    frame = frame_with(turned, 100, 50)
    corners = np.array([[140, 50], [140, 242], [100, 242], [100, 50]], np.float32)
    detection = Detection(frame, Box(100, 50, 140, 242), 0.9, corners)
    (read,) = feed(Ocr(model=model), Detections(frame, (detection,)))
    assert isinstance(read, PlateRead)
    assert read.text == "AB"


def test_what_cannot_be_read_gives_no_read(model: str) -> None:
    frame = frame_with(plate_of(127, 127, 127), 10, 10)
    assert feed(Ocr(model=model), Detections(frame, (Detection(frame, Box(10, 10, 58, 50), 0.9),))) == []
    assert feed(Ocr(model=model), Detections(frame)) == []


def test_a_missing_model_is_said_when_the_flow_opens() -> None:
    with pytest.raises(SetupError, match="no model 'no-such-reader' was found"):
        feed(Ocr(model="no-such-reader"))


@pytest.mark.parametrize(("track", "sure"), [(None, True), (7, False)])
def test_a_doubtful_plate_is_read_again_with_more_around_it(model: str, track: int | None, sure: bool) -> None:
    pale = plate_of(127, 0, 90, 90, 127, 127, 127, 127, 127, 127, 127, 127)
    frame = frame_with(pale, 100, 50)
    # What is dark of the A lies 8 pixels outside of the box: the first cut shows pale grey, the second one all of it.
    detection = Detection(frame, Box(140, 50, 292, 90), 0.9, track=track)
    (read,) = feed(Ocr(model=model), Detections(frame, (detection,)))
    assert isinstance(read, PlateRead)
    assert read.text == "A"
    assert (read.confidence > 0.9) is sure
