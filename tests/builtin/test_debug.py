"""A tap shows messages in the log and no plates."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from flowalpr import Fault, Frame, PlateRead
from flowalpr.control.logs import particulars
from flowalpr.messages import Box, Detection
from flowalpr.testing import feed, plate_frame, plate_read
from flowalpr_builtin.sinks.debug import Debug


def read_from_a_telling_file() -> PlateRead:
    frame = plate_frame()
    named = Frame(frame.image, frame.stamp, "AB123CD.jpg")
    return PlateRead("AB123CD", 0.9, Detection(named, Box(0, 0, 9, 9), 0.9), repairs=("1: 4 -> A",))


def records(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [particulars(each) for each in caplog.records]


def test_plates_are_masked_wherever_they_are_in_a_message(caplog: pytest.LogCaptureFixture) -> None:
    read = read_from_a_telling_file()
    with caplog.at_level(logging.INFO):
        feed(Debug(), read, Fault("broken", read))
    logs = records(caplog)
    assert [log["record"]["type"] for log in logs] == ["PlateRead", "Fault"]
    assert logs[0]["record"]["text"] == "AB•••••"
    assert logs[0]["record"]["confidence"] == 0.9
    assert logs[0]["node"] == "debug"
    assert "123" not in str(logs)


def test_who_asks_for_it_sees_everything(caplog: pytest.LogCaptureFixture) -> None:
    read = read_from_a_telling_file()
    with caplog.at_level(logging.INFO):
        feed(Debug(unmasked=True), read)
    assert records(caplog)[0]["record"] == read.record()


def test_a_tap_takes_any_message_and_gives_none(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert feed(Debug(), plate_frame(), plate_read()) == []
    assert len(records(caplog)) == 2
