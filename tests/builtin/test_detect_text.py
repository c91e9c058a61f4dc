"""Lines of text of a plate's shape are found, and found as plates."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowalpr import Box, Detections, Frame, SetupError, Stamp
from flowalpr.testing import NOON, feed, plate_frame
from flowalpr_builtin.detect.detect_text import DetectText
from flowalpr_builtin.detect.lines import MOST, Line, joined, without_captions
from flowalpr_builtin.ocr.rapidocr_models import model_file


@pytest.fixture(scope="module")
def finder() -> DetectText:
    node = DetectText(longest=640)
    node.open()
    return node


def frame(image: np.ndarray, offset: tuple[int, int] = (0, 0)) -> Frame:
    return Frame(image, Stamp("test", NOON, 0), offset=offset)


def line(left: float, top: float, width: float, height: float, confidence: float = 0.9) -> Line:
    corners = [[left, top], [left + width, top], [left + width, top + height], [left, top + height]]
    return Line(np.array(corners, np.float32), confidence)


def boxes(lines: Sequence[Line]) -> list[list[float]]:
    return sorted([*each.corners.min(axis=0).tolist(), *each.corners.max(axis=0).tolist()] for each in lines)


def written(*rows: str, size: tuple[int, int] = (360, 640), scale: float = 2.0) -> np.ndarray:
    """A white plate with rows of text in the middle of a grey picture."""
    image = np.full((*size, 3), 96, np.uint8)
    cv2.rectangle(image, (150, 100), (500, 120 + 75 * len(rows)), (245, 245, 245), -1)
    for number, row in enumerate(rows):
        at = (175, 165 + 75 * number)
        cv2.putText(image, row, at, cv2.FONT_HERSHEY_SIMPLEX, scale, (20, 20, 20), 5, cv2.LINE_AA)
    return image


def test_a_plate_is_found_with_its_corners_clockwise_from_the_left_top(finder: DetectText) -> None:
    seen = plate_frame("AB 1234")
    (found,) = finder.process(seen).found
    assert found.frame is seen
    assert found.confidence >= 0.5
    assert Box(150, 130, 240, 175) < found.box
    assert found.box.left < 210
    assert found.box.right > 380
    assert 140 < found.box.top < found.box.bottom < 220
    assert found.corners is not None
    assert found.corners.dtype == np.float32
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = found.corners
    assert (x0 < x1, y1 < y2, x3 < x2, y0 < y3) == (True, True, True, True)


def test_boxes_of_a_part_of_a_picture_count_from_the_whole(finder: DetectText) -> None:
    whole = plate_frame("AB 1234")
    (first,) = finder.process(whole).found
    (second,) = finder.process(whole.cut(Box(100, 50, 600, 350))).found
    assert np.abs(np.array(first.box) - np.array(second.box)).max() < 5  # Another size, other borders of pixels.


def test_a_leaning_plate_has_leaning_corners(finder: DetectText) -> None:
    turn = cv2.getRotationMatrix2D((320, 180), -15, 1)
    image = cv2.warpAffine(plate_frame("AB 1234").image, turn, (640, 360), borderValue=(96, 96, 96))
    (found,) = finder.process(frame(image)).found
    assert found.corners is not None
    x, y = found.corners[1] - found.corners[0]
    assert np.degrees(np.arctan2(y, x)) == pytest.approx(15, abs=4)  # The text itself rises by a degree or two.


def test_two_rows_of_a_square_plate_are_one(finder: DetectText) -> None:
    (found,) = finder.process(frame(written("AB 12", "CD 34"))).found
    assert found.box.height > 110


@pytest.mark.parametrize("size", [(1, 1), (2, 5000), (3000, 3), (31, 33), (480, 640)])
def test_a_picture_without_text_gives_no_plates_whatever_its_size(finder: DetectText, size: tuple[int, int]) -> None:
    assert finder.process(frame(np.full((*size, 3), 127, np.uint8))).found == ()


def test_noise_gives_no_plates(finder: DetectText) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3)).astype(np.uint8)
    assert finder.process(frame(noise)).found == ()


def test_text_below_the_smallest_height_or_confidence_is_not_passed_on() -> None:
    for settings in ({"smallest": 400}, {"at_least": 1.0}):
        (found,) = feed(DetectText(longest=640, **settings), plate_frame("AB 1234"))
        assert isinstance(found, Detections)
        assert found.found == ()


def test_small_print_above_and_below_a_number_is_left_out() -> None:
    number = line(100, 100, 200, 50)
    assert without_captions([line(150, 75, 90, 18), number, line(120, 155, 150, 20)]) == [number]


def test_small_text_beside_or_far_from_a_number_stays() -> None:
    lines = [line(100, 100, 200, 50), line(330, 110, 60, 18), line(150, 300, 90, 18)]
    assert without_captions(lines) == lines


def test_rows_are_joined_only_if_they_are_alike_and_close() -> None:
    upper = line(100, 100, 100, 40)
    assert boxes(joined([line(95, 145, 110, 40), upper])) == [pytest.approx([95, 100, 205, 185], abs=0.5)]
    for other in (line(100, 145, 90, 20), line(100, 220, 100, 40), line(220, 145, 100, 40), line(0, 145, 400, 40)):
        assert len(joined([upper, other])) == 2


@given(st.lists(st.tuples(*[st.integers(0, 300)] * 2, st.integers(12, 200), st.integers(5, 60)), max_size=6))
def test_joining_keeps_every_line_in_the_result_once(places: list[tuple[int, int, int, int]]) -> None:
    lines = [line(*place) for place in places]
    result = joined(lines)
    assert len(lines) / 2 <= len(result) <= len(lines)
    for each in lines:
        middle = each.corners.mean(axis=0)
        assert any(
            cv2.pointPolygonTest(one.corners.reshape(-1, 1, 2), (float(middle[0]), float(middle[1])), True) > -1
            for one in result
        )


@pytest.mark.slow
def test_a_page_full_of_text_is_looked_at_in_part() -> None:
    page = np.full((1600, 1600, 3), 255, np.uint8)
    for number in range(50 * 6):
        at = (20 + 260 * (number % 6), 30 + 31 * (number // 6))
        cv2.putText(page, f"AB {number:04}", at, cv2.FONT_HERSHEY_SIMPLEX, 0.8, (0, 0, 0), 2, cv2.LINE_AA)
    (found,) = feed(DetectText(longest=1600), frame(page))
    assert isinstance(found, Detections)
    assert 50 <= len(found.found) <= MOST


def test_a_model_that_is_not_there_is_told_with_the_remedy() -> None:
    with pytest.raises(SetupError, match=r"pip install --upgrade 'rapidocr>=3.10'"):
        model_file("PP-OCRv99_det.onnx")


def test_it_is_a_detector_with_a_thread_of_its_own() -> None:
    assert DetectText.ports().kind == "detect"
    assert DetectText.heavy
