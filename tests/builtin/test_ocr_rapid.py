"""Plates are read as they are written, and nothing else is."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from flowalpr import Box, Detection, Detections, Frame, Stamp
from flowalpr.testing import NOON, plate_frame
from flowalpr.vision.image import load
from flowalpr_builtin.detect.detect_text import DetectText
from flowalpr_builtin.ocr.crops import cut
from flowalpr_builtin.ocr.ocr_rapid import OcrRapid
from flowalpr_builtin.ocr.rows import ALPHABET, Row

PLATE = Box(190, 150, 450, 210)


@pytest.fixture(scope="module")
def reader() -> OcrRapid:
    node = OcrRapid()
    node.open()
    return node


def texts(reader: OcrRapid, frame: Frame, *boxes: Box) -> list[str]:
    found = tuple(Detection(frame, box, 0.9) for box in boxes)
    return [read.text for read in reader.process(Detections(frame, found))]


def two_rows(upper: str, lower: str) -> Frame:
    image = np.full((360, 640, 3), 96, np.uint8)
    cv2.rectangle(image, (200, 100), (420, 260), (245, 245, 245), -1)
    for text, y in ((upper, 165), (lower, 240)):
        cv2.putText(image, text, (225, y), cv2.FONT_HERSHEY_SIMPLEX, 2, (20, 20, 20), 5, cv2.LINE_AA)
    return Frame(image, Stamp("test", NOON, 0))


def test_a_plate_is_read_in_normal_form_with_a_confidence_a_character(reader: OcrRapid) -> None:
    frame = plate_frame("AB-123 C")
    detection = Detection(frame, PLATE, 0.9)
    (read,) = reader.process(Detections(frame, (detection,)))
    assert read.text == read.raw == "AB123C"
    assert read.detection is detection
    assert len(read.confidences) == 6
    assert read.confidence == pytest.approx(np.prod(read.confidences))
    assert 0.5 < read.confidence <= 1


def test_small_letters_are_read_as_capitals(reader: OcrRapid) -> None:
    assert texts(reader, plate_frame("ab 347 ex"), PLATE) == ["AB347EX"]


def test_plates_of_one_frame_are_read_in_the_order_in_which_they_were_found(reader: OcrRapid) -> None:
    image = np.concatenate([plate_frame("AB 123").image, plate_frame("WX 7894 Y").image])
    frame = Frame(image, Stamp("test", NOON, 0))
    lower = Box(190, 510, 450, 570)
    assert texts(reader, frame, lower, PLATE, lower) == ["WX7894Y", "AB123", "WX7894Y"]


def test_two_rows_are_read_one_after_the_other(reader: OcrRapid) -> None:
    assert texts(reader, two_rows("ABE", "3478"), Box(200, 100, 420, 260)) == ["ABE3478"]


def test_a_leaning_plate_is_read_by_its_corners(reader: OcrRapid) -> None:
    turn = cv2.getRotationMatrix2D((320, 180), -25, 1)
    image = cv2.warpAffine(plate_frame("AB 347 EX").image, turn, (640, 360), borderValue=(96, 96, 96))
    upright = np.array([[190, 150], [450, 150], [450, 210], [190, 210]], np.float32)
    corners = (upright @ turn[:, :2].T + turn[:, 2]).astype(np.float32)
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    frame = Frame(image, Stamp("test", NOON, 0))
    detection = Detection(frame, Box(left, top, right, bottom), 0.9, corners)
    (read,) = reader.process(Detections(frame, (detection,)))
    assert read.text == "AB347EX"
    (again,) = reader.process(Detections(frame, (detection.detached(),)))
    assert again.text == "AB347EX"  # The frame is then the plate alone, and the corners still count from the whole.


def test_texts_of_other_lengths_are_no_plates() -> None:
    frame = plate_frame("AB 123")
    found = Detections(frame, (Detection(frame, PLATE, 0.9),))
    for lengths, count in (({"min_length": 6}, 0), ({"max_length": 4}, 0), ({"min_length": 5, "max_length": 5}, 1)):
        node = OcrRapid(**lengths)
        node.open()
        assert len(node.process(found)) == count
        node.close()


def test_a_word_is_no_plate_unless_asked_for(reader: OcrRapid) -> None:
    frame = plate_frame("TOYOTA")
    found = Detections(frame, (Detection(frame, PLATE, 0.9),))
    assert reader.process(found) == []
    node = OcrRapid(min_digits=0)
    node.open()
    (read,) = node.process(found)
    assert read.text == "TOYOTA"


def test_lengths_that_leave_nothing_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"min_length \(7\) is above max_length \(5\)"):
        OcrRapid(min_length=7, max_length=5)


@pytest.mark.parametrize(
    "box",
    [Box(0, 0, 1, 1), Box(320, 0, 321, 360), Box(-50, -50, 20, 20), Box(900, 900, 950, 910), Box(0, 180, 640, 181)],
)
def test_a_box_without_a_plate_in_it_gives_no_read(reader: OcrRapid, box: Box) -> None:
    assert texts(reader, Frame(np.zeros((360, 640, 3), np.uint8), Stamp("test", NOON, 0)), box) == []


def test_more_plates_than_are_read_in_one_go_are_all_read(reader: OcrRapid) -> None:
    assert texts(reader, plate_frame("AB 347"), *[PLATE] * 19) == ["AB347"] * 19


def test_nothing_found_is_nothing_read(reader: OcrRapid) -> None:
    assert reader.process(Detections(plate_frame())) == []


def test_a_plate_is_cut_at_its_own_size() -> None:
    frame = plate_frame()
    assert cut(Detection(frame, PLATE, 0.9)).shape == (60, 260, 3)
    assert cut(Detection(frame, Box(5, 5, 5, 5), 0.9)).shape == (4, 4, 3)


def test_no_character_is_twice_in_the_alphabet() -> None:
    assert len(set(ALPHABET)) == len(ALPHABET)


def test_a_text_is_as_sure_as_all_of_its_characters_together() -> None:
    assert (Row("A", (0.5,)) + Row("B", (0.8,))).confidence == pytest.approx(0.4)
    assert Row("", ()).confidence == 0


@pytest.mark.data
@pytest.mark.slow
def test_nine_of_ten_photographed_plates_are_found_and_read(photographs: Path, reader: OcrRapid) -> None:
    folder = photographs / "val" / "openalpr_br"
    finder = DetectText(longest=640)
    finder.open()
    labels = [json.loads(each) for each in (folder / "labels.jsonl").read_text().splitlines()][:20]
    right = 0
    for label in labels:
        frame = Frame(load(folder / label["file"]), Stamp("test", NOON, 0))
        read = {each.text for each in reader.process(finder.process(frame))}
        right += label["plates"][0]["text"] in read
    assert right >= 18
