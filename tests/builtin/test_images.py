from __future__ import annotations

import os
import threading
from datetime import datetime, timezone
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from flowalpr import Fault, Frame, SetupError
from flowalpr.testing import feed
from flowalpr_builtin.sources.images import Images


def picture(path: Path, grey: int = 100) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((20, 30, 3), grey, np.uint8))
    return path


def names(messages: list[object]) -> list[str]:
    return [message.source for message in messages if isinstance(message, (Frame, Fault))]


def test_a_folder_is_read_in_the_order_a_person_counts(tmp_path: Path) -> None:
    for name in ("10.jpg", "9.png", "b/2.JPG", "b/1.webp", ".cache/3.jpg", "b/.hidden.jpg"):
        picture(tmp_path / name)
    (tmp_path / "labels.jsonl").write_text("{}")
    given = feed(Images(path=str(tmp_path)))
    assert names(given) == ["9.png", "10.jpg", "1.webp", "2.JPG"]
    assert [frame.stamp.number for frame in given if isinstance(frame, Frame)] == [0, 1, 2, 3]


def test_a_picture_a_pattern_and_a_list_of_both_are_read(tmp_path: Path) -> None:
    one = picture(tmp_path / "one.png", 7)
    picture(tmp_path / "deep" / "two.jpg")
    picture(tmp_path / "deep" / "[1].jpg")
    (frame,) = feed(Images(path=str(one)))
    assert isinstance(frame, Frame)
    assert (frame.image == 7).all()
    assert frame.image.shape == (20, 30, 3)
    assert names(feed(Images(path=f"{tmp_path}/**/*.jpg"))) == ["[1].jpg", "two.jpg"]
    assert names(feed(Images(path=f"{tmp_path}/deep/[1].jpg"))) == ["[1].jpg"], "a name is no pattern if it exists"
    assert names(feed(Images(path=[str(one), f"{tmp_path}/deep"]))) == ["one.png", "[1].jpg", "two.jpg"]


def test_a_frame_bears_the_time_of_capture_or_else_that_of_the_file(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({0x9003: "2024:02:29 13:14:15", 0x9011: "+02:00"})
    Image.new("RGB", (8, 8)).save(tmp_path / "1.jpg", exif=exif)
    os.utime(picture(tmp_path / "2.jpg"), (1_000_000_000, 1_000_000_000))
    first, second = feed(Images(path=str(tmp_path)))
    assert isinstance(first, Frame)
    assert isinstance(second, Frame)
    assert first.stamp.time == datetime(2024, 2, 29, 11, 14, 15, tzinfo=timezone.utc)
    assert second.stamp.time == datetime(2001, 9, 9, 1, 46, 40, tzinfo=timezone.utc)


def test_a_picture_that_cannot_be_read_is_a_fault_and_the_rest_goes_on(tmp_path: Path) -> None:
    whole = picture(tmp_path / "1.jpg").read_bytes()
    (tmp_path / "2.jpg").write_bytes(b"")
    (tmp_path / "3.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "4.jpg").write_text("no picture at all")
    Image.new("1", (12_000, 9_000)).save(tmp_path / "5.png")  # 108 megapixels in a file of 15 kB.
    (tmp_path / "6.jpg").symlink_to("nowhere.jpg")
    picture(tmp_path / "7.jpg")
    paths = [f"{tmp_path}/{number}.{'png' if number == 5 else 'jpg'}" for number in range(1, 8)]
    given = feed(Images(path=paths))
    assert [type(message) for message in given] == [Frame, Fault, Fault, Fault, Fault, Fault, Frame]
    assert names(given) == ["1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.png", "6.jpg", "7.jpg"]
    errors = [message.error for message in given if isinstance(message, Fault)]
    assert all(error.startswith(f"{number}.") for number, error in zip(range(2, 7), errors, strict=True)), errors
    assert "12000 x 9000" in errors[3] or "too many pixels" in errors[3]
    assert "No such file" in errors[4]
    assert not any("\n" in error for error in errors)


@pytest.mark.parametrize("path", ["empty", "empty/*.jpg", "nowhere"])
def test_no_picture_at_all_keeps_the_flow_from_starting(tmp_path: Path, path: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("nothing to see")
    with pytest.raises(SetupError) as caught:
        feed(Images(path=str(tmp_path / path)))
    assert str(tmp_path / path) in str(caught.value)
    assert ".jpg" in str(caught.value) or path == "nowhere"


def test_reading_stops_with_the_flow(tmp_path: Path) -> None:
    for number in range(3):
        picture(tmp_path / f"{number}.png")
    images, stopping = Images(path=str(tmp_path)), threading.Event()
    images.place("gate", stopping)
    images.open()
    frames = images.process()
    first = next(frames)
    assert isinstance(first, Frame)
    assert first.stamp.camera == "gate"
    stopping.set()
    assert next(frames, None) is None


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow says what is wrong with the EXIF part.
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=8))
def test_no_damage_to_a_file_is_more_than_a_fault(tmp_path: Path, changes: list[tuple[int, int]]) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({0x9003: "2024:02:29 13:14:15", 0x9011: "+02:00"})
    path = tmp_path / "1.jpg"
    Image.new("RGB", (8, 8)).save(path, exif=exif)
    content = bytearray(path.read_bytes())
    for place, value in changes:
        content[place % len(content)] = value
    path.write_bytes(content)
    (message,) = feed(Images(path=str(path)))
    assert isinstance(message, (Frame, Fault))
