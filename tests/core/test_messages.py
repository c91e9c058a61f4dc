"""Messages carry their past, keep plates out of logs, and let go of pixels when asked."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowalpr import Box, Detection, Detections, Fault, Frame, Full, Message, PlateRead, Stamp, Tick, masked, stamp_of
from flowalpr.testing import NOON, passage, plate_frame, plate_read

coordinates = st.floats(-500, 2000, allow_nan=False)


def frame_of(width: int = 64, height: int = 48, offset: tuple[int, int] = (0, 0)) -> Frame:
    rows, columns = np.mgrid[0:height, 0:width]
    image = np.stack([columns, rows, np.zeros_like(rows)], axis=2).astype(np.uint8)
    return Frame(image, Stamp("gate", NOON, 3), offset=offset)


def test_a_read_leads_to_the_pixels_it_was_read_from():
    frame = plate_frame("AB 123")
    read = PlateRead("AB123", 0.9, Detection(frame, Box(190, 150, 450, 210), 0.8))
    assert read.stamp is frame.stamp
    assert np.array_equal(read.detection.crop(), frame.image[150:210, 190:450])
    assert np.shares_memory(read.detection.crop(), frame.image)


def test_nobody_can_change_a_message():
    with pytest.raises(dataclasses.FrozenInstanceError):
        plate_read().text = "XX999"  # type: ignore[misc]  # The mistake under test.


def test_what_is_printed_of_a_read_does_not_tell_the_plate():
    assert "AB123" not in repr(plate_read("AB123"))
    assert masked("AB123") == "AB•••"
    assert "array" not in repr(plate_frame())


@given(coordinates, coordinates, coordinates, coordinates)
def test_a_cut_is_never_empty_and_lies_inside_the_frame(left, top, right, bottom):
    part = frame_of(offset=(100, 50)).cut(Box(left, top, right, bottom))
    assert part.width >= 1
    assert part.height >= 1
    x, y = part.offset
    assert 100 <= x <= 100 + 64 - part.width
    assert 50 <= y <= 50 + 48 - part.height


@given(st.integers(0, 62), st.integers(0, 46), st.integers(1, 64), st.integers(1, 48))
def test_boxes_keep_their_place_in_the_camera_s_picture_through_cuts(left, top, width, height):
    box = Box(left, top, min(64, left + width), min(48, top + height))
    whole = frame_of()
    once = whole.cut(Box(max(0, left - 5), max(0, top - 5), 64, 48))
    assert np.array_equal(once.cut(box).image, whole.cut(box).image)


def test_a_detached_read_frees_the_frame_and_keeps_the_plate():
    frame = plate_frame()
    read = PlateRead("AB123", 0.9, Detection(frame, Box(190, 150, 450, 210), 0.8)).detached()
    assert read.frame.image.nbytes < frame.image.nbytes / 2
    assert not np.shares_memory(read.frame.image, frame.image)
    assert np.array_equal(read.detection.crop(), frame.image[150:210, 190:450])
    assert read.detection.box == Box(190, 150, 450, 210)


def with_full(frame: Frame, scale: int = 3) -> Frame:
    """The same with a main stream's picture that is `scale` times as large."""
    large = frame.image.repeat(scale, axis=0).repeat(scale, axis=1)
    return dataclasses.replace(frame, full=Full(lambda: large, (scale, scale)))


@given(st.integers(0, 62), st.integers(0, 46), st.integers(1, 64), st.integers(1, 48))
def test_plates_are_cut_out_of_the_main_stream_s_picture_through_all_cuts(left, top, width, height):
    box = Box(left, top, min(64, left + width), min(48, top + height))
    whole = with_full(frame_of())
    wanted = frame_of().cut(box).image.repeat(3, axis=0).repeat(3, axis=1)
    part = whole.cut(Box(max(0, left - 5), max(0, top - 5), 64, 48))
    corners = np.array([[left, top]] * 4, np.float32)
    for frame in (whole, part, Detection(part, box, 0.9).detached().frame):
        found = Detection(frame, box, 0.9, corners)
        assert np.array_equal(found.crop(), wanted)
        best = found.sharpest()
        assert best.corners is not None
        assert best.corners.tolist() == [[3 * left, 3 * top]] * 4
        assert best.frame.stamp is frame.stamp
        assert found.box == box


def test_the_main_stream_s_picture_is_made_once_when_asked_for_and_freed_with_the_read():
    made = []

    def make():
        made.append(1)
        return np.zeros((1080, 1920, 3), np.uint8)

    frame = dataclasses.replace(plate_frame(), full=Full(make, (3, 3)))
    detection = Detection(frame, Box(190, 150, 450, 210), 0.8)
    assert not made
    detection.crop()
    kept = detection.detached()
    assert made == [1]
    assert kept.frame.full is not None
    assert kept.frame.full.image.nbytes < 1080 * 1920 * 3 / 3
    assert kept.frame.full.image.base is None


def test_a_read_keeps_its_id_when_its_text_is_repaired_and_its_raw_text():
    read = plate_read("A8123")
    repaired = dataclasses.replace(read, text="AB123", repairs=("2: 8 -> B",))
    assert (repaired.id, repaired.raw) == (read.id, "A8123")
    assert plate_read().id != plate_read().id


def test_the_record_of_a_read_is_plain_json():
    read = plate_read("AB123", 0.91234, camera="gate", number=7)
    record = json.loads(json.dumps(read.record()))
    assert record == {
        "type": "PlateRead",
        "id": read.id,
        "time": "2026-01-01T12:00:00+00:00",
        "camera": "gate",
        "frame": 7,
        "file": "",
        "text": "AB123",
        "confidence": 0.9123,
        "country": None,
        "raw": "AB123",
        "repairs": [],
        "box": [19, 15, 26, 6],
        "corners": None,
        "detection_confidence": 0.9,
        "track": None,
        "listed": [],
    }


def test_a_passage_is_a_read_with_more_to_tell():
    told = passage("AB123", camera="gate", at=0.5)
    assert isinstance(told, PlateRead)
    record = json.loads(json.dumps(told.record()))
    more = {key: value for key, value in record.items() if key not in plate_read().record()}
    assert (record["type"], record["text"]) == ("Passage", "AB123")
    assert more == {
        "reason": "read",
        "stage": "final",
        "first": "2026-01-01T12:00:00.500000+00:00",
        "last": "2026-01-01T12:00:01.500000+00:00",
        "sharp": None,
        "seen": 10,
        "reads": 3,
        "direction": None,
        "readings": [["AB123", 3]],
    }
    assert "AB123" not in repr(told)
    assert dataclasses.replace(told, text="X1", detection=told.detached().detection).seen == 10


def test_the_records_of_frames_detections_ticks_and_faults_are_plain_json():
    frame = plate_frame(camera="gate")
    corners = np.array([[1, 2], [3, 2], [3, 4], [1.26, 4]], np.float32)
    found = Detections(frame, (Detection(frame, Box(1, 2, 3, 4), 0.5, corners, track=9),))
    fault = Fault("OSError: full", found, node="store")
    assert json.loads(json.dumps(found.record()))["found"] == [
        {"box": [1, 2, 2, 2], "corners": [[1, 2], [3, 2], [3, 4], [1.3, 4]], "confidence": 0.5, "track": 9}
    ]
    assert json.loads(json.dumps(fault.record()))["message"]["camera"] == "gate"
    assert Tick(Stamp("t", NOON, 4)).record() == {"type": "Tick", "time": NOON.isoformat(), "camera": "t", "frame": 4}
    assert fault.stamp is frame.stamp


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Weight(Message):
    """A third party's message."""

    kilograms: float
    scale: object = None


def test_a_third_party_s_message_needs_nothing_but_a_class():
    assert stamp_of(Weight(3.5)) is None
    assert Weight(3.5, object()).record() == {"type": "Weight", "kilograms": 3.5}


def test_times_are_aware():
    assert plate_read().stamp.time == datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
