"""A tap shows messages in the log and no plates."""

from __future__ import annotations

import structlog

from flowalpr import Fault, Frame, PlateRead
from flowalpr.messages import Box, Detection
from flowalpr.testing import feed, plate_frame, plate_read
from flowalpr_builtin.sinks.debug import Debug


def read_from_a_telling_file() -> PlateRead:
    frame = plate_frame()
    named = Frame(frame.image, frame.stamp, "AB123CD.jpg")
    return PlateRead("AB123CD", 0.9, Detection(named, Box(0, 0, 9, 9), 0.9), repairs=("1: 4 -> A",))


def test_plates_are_masked_wherever_they_are_in_a_message() -> None:
    read = read_from_a_telling_file()
    with structlog.testing.capture_logs() as logs:
        feed(Debug(), read, Fault("broken", read))
    assert [log["record"]["type"] for log in logs] == ["PlateRead", "Fault"]
    assert logs[0]["record"]["text"] == "AB•••••"
    assert logs[0]["record"]["confidence"] == 0.9
    assert logs[0]["node"] == "debug"
    assert "123" not in str(logs)


def test_who_asks_for_it_sees_everything() -> None:
    read = read_from_a_telling_file()
    with structlog.testing.capture_logs() as logs:
        feed(Debug(unmasked=True), read)
    assert logs[0]["record"] == read.record()


def test_a_tap_takes_any_message_and_gives_none() -> None:
    with structlog.testing.capture_logs() as logs:
        assert feed(Debug(), plate_frame(), plate_read()) == []
    assert len(logs) == 2
