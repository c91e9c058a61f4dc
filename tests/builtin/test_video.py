from __future__ import annotations

import os
import struct
import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from time import monotonic

import numpy as np
import pytest
from pydantic import ValidationError

from flowalpr import Fault, Frame, Message, SetupError
from flowalpr.testing import feed
from flowalpr_builtin.sources.video import Video

MakeVideo = Callable[..., Path]


def frames(messages: list[Message]) -> list[Frame]:
    return [message for message in messages if isinstance(message, Frame)]


@pytest.mark.parametrize("kind", ["mp4", "mkv", "avi", "ts"])
def test_every_frame_comes_once_and_in_order_with_its_time(video_file: MakeVideo, kind: str) -> None:
    path = video_file(f"gate.{kind}", frames=23, fps=10)
    os.utime(path, (1_000_000_000, 1_000_000_000))
    given = feed(Video(path=str(path)))
    assert len(given) == len(frames(given)) == 23, "and no fault"
    for number, frame in enumerate(frames(given)):
        grey = frame.image.mean() - frames(given)[0].image.mean()
        assert abs(grey - 3 * number) < 1.5, "the picture of this very number, for each is 3 lighter than the last"
        assert frame.stamp.number == number
        due = datetime(2001, 9, 9, 1, 46, 40, tzinfo=timezone.utc) + timedelta(seconds=number / 10)
        assert abs(frame.stamp.time - due) < timedelta(milliseconds=1)
    first = frames(given)[0]
    assert first.source == f"gate.{kind}"
    assert first.image.shape == (50, 66, 3)
    assert first.image.dtype == np.uint8
    assert first.image.flags.c_contiguous


def test_the_file_says_when_it_was_taken_unless_the_flow_does(video_file: MakeVideo) -> None:
    path = video_file("gate.mp4", frames=2, creation_time="2024-02-29T11:14:15.000000Z")
    said = datetime(2024, 2, 29, 11, 14, 15, tzinfo=timezone.utc)
    assert frames(feed(Video(path=str(path))))[0].stamp.time == said
    wanted = Video(path=str(path), starts="2026-05-01T12:00:00+02:00")
    assert frames(feed(wanted))[0].stamp.time == datetime(2026, 5, 1, 10, tzinfo=timezone.utc)


def test_a_camera_without_a_clock_does_not_take_us_to_1970(video_file: MakeVideo) -> None:
    path = video_file("gate.mp4", frames=2, creation_time="1970-01-01T00:00:00.000000Z")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    assert frames(feed(Video(path=str(path))))[0].stamp.time.year == 2001


@pytest.mark.parametrize("kind", ["mp4", "mkv", "avi"])
def test_a_video_cut_in_half_gives_what_is_there_and_says_what_is_missing(video_file: MakeVideo, kind: str) -> None:
    path = video_file(f"gate.{kind}", frames=60)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    *given, last = feed(Video(path=str(path)))
    assert 10 < len(frames(given)) == len(given) < 50
    assert isinstance(last, Fault)
    assert last.source == path.name
    assert "not whole" in last.error
    assert f"{len(given)} frames were read" in last.error


def test_damage_in_the_middle_costs_no_more_than_itself(video_file: MakeVideo) -> None:
    path = video_file("gate.mkv", frames=60)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 40] = bytes(40)
    path.write_bytes(content)
    assert len(frames(feed(Video(path=str(path))))) >= 40


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("missing.mp4", None),
        ("empty.mp4", b""),
        ("words.mp4", b"this is no video " * 99),
        ("words.txt", b"this is no video " * 99),
        ("noise.avi", bytes(range(256)) * 50),
    ],
)
def test_what_is_no_video_keeps_the_flow_from_starting(tmp_path: Path, name: str, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    video = Video(path=str(tmp_path / name))
    with pytest.raises(SetupError, match=name):
        video.open()
    video.close()


def test_a_folder_is_no_video(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="is a folder"):
        Video(path=str(tmp_path)).open()


@pytest.mark.parametrize("name", ["12:30 gate.mp4", "gate%03d.mp4", "kamera_ü.mp4", "-i.mp4"])
def test_a_file_may_have_any_name(video_file: MakeVideo, name: str) -> None:
    assert len(feed(Video(path=str(video_file(name, frames=2))))) == 2


def test_a_video_taken_on_its_side_is_shown_upright(video_file: MakeVideo) -> None:
    upright = frames(feed(Video(path=str(video_file("gate.mp4", frames=2)))))[0].image
    path = video_file("turned.mp4", frames=2)
    content = bytearray(path.read_bytes())
    matrix = content.index(b"tkhd") + 4 + 40  # Of version 0, ISO/IEC 14496-12, 8.3.2.
    assert struct.unpack_from(">9i", content, matrix) == (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    # What a telephone held upright writes: show it a quarter turn clockwise.
    struct.pack_into(">9i", content, matrix, 0, 0x10000, 0, -0x10000, 0, 0, 50 << 16, 0, 0x40000000)
    path.write_bytes(content)
    turned = frames(feed(Video(path=str(path))))[0].image
    assert turned.shape == (66, 50, 3)
    assert (turned == np.rot90(upright, -1)).all()


def test_in_real_time_it_is_as_slow_as_it_was_taken_and_bears_the_time_of_now(video_file: MakeVideo) -> None:
    video = Video(path=str(video_file("gate.mp4", frames=6, fps=20)), realtime=True)
    begun, now = monotonic(), datetime.now(timezone.utc)
    given = frames(feed(video))
    assert len(given) == 6
    assert monotonic() - begun >= 0.25
    assert now <= given[0].stamp.time < now + timedelta(seconds=5)
    assert given[5].stamp.time - given[0].stamp.time == timedelta(seconds=0.25)
    assert video.is_live()
    assert not Video(path="gate.mp4").is_live()


def test_in_real_time_it_stops_at_once_with_the_flow(video_file: MakeVideo) -> None:
    video, stopping = Video(path=str(video_file("gate.mp4", frames=2, fps=1)), realtime=True), threading.Event()
    video.place("gate", stopping)
    video.open()
    messages = video.process()
    assert isinstance(next(messages), Frame)
    stopping.set()
    assert next(messages, None) is None
    video.close()


def test_a_start_without_a_zone_or_in_real_time_is_refused() -> None:
    with pytest.raises(ValidationError, match="timezone"):
        Video(path="gate.mp4", starts="2026-05-01T12:00:00")
    with pytest.raises(ValidationError, match="realtime"):
        Video(path="gate.mp4", starts="2026-05-01T12:00:00Z", realtime=True)
