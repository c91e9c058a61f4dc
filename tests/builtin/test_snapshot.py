"""Pictures of the latest reads."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from flowalpr import Box, Detection, Frame, Full, PlateRead, SetupError, Stamp
from flowalpr.testing import NOON, feed, plate_frame, plate_read
from flowalpr_builtin.sinks.snapshot import Snapshot


def read_of_a_plate(text: str = "AB123", **stamp: float | str | int) -> PlateRead:
    frame = plate_frame(text, **stamp)  # type: ignore[arg-type]
    return PlateRead(text, 0.9, Detection(frame, Box(190, 150, 450, 210), 0.9))


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_a_read_gives_its_plate_and_its_frame_with_the_plate_outlined(tmp_path: Path) -> None:
    read = read_of_a_plate()
    feed(Snapshot(folder=tmp_path / "new"), read)
    plate, frame = (cv2.imread(str(next((tmp_path / "new").glob(f"*.{kind}.jpg")))) for kind in ("plate", "frame"))
    assert plate is not None
    assert frame is not None
    assert plate.shape == (90, 290, 3)
    assert frame.shape == (360, 640, 3)
    blue, green, red = frame[150, 320].astype(int)
    assert green > 1.4 * max(blue, red)
    assert (read.frame.image == plate_frame("AB123").image).all()


def test_pictures_are_those_of_the_main_stream_where_there_is_one(tmp_path: Path) -> None:
    read = read_of_a_plate()
    large = cv2.resize(read.frame.image, (1280, 720))
    frame = replace(read.frame, full=Full(lambda: large.astype(np.uint8), (2, 2)))
    feed(Snapshot(folder=tmp_path), replace(read, detection=replace(read.detection, frame=frame)))
    plate, whole = (cv2.imread(str(next(tmp_path.glob(f"*.{kind}.jpg")))) for kind in ("plate", "frame"))
    assert plate is not None
    assert whole is not None
    assert plate.shape == (180, 580, 3)
    assert whole.shape == (720, 1280, 3)
    blue, green, red = whole[300, 640].astype(int)
    assert green > 1.4 * max(blue, red)


def test_names_hold_time_camera_and_id_and_never_the_plate(tmp_path: Path) -> None:
    read = replace(read_of_a_plate("AB123", camera="gate", at=1.5), id="0123abcd")
    feed(Snapshot(folder=tmp_path), read)
    stem = "20260101T120001.500000Z-gate-0123abcd"
    assert names(tmp_path) == [f"{stem}.frame.jpg", f"{stem}.plate.jpg"]
    assert {each.stat().st_mode & 0o777 for each in tmp_path.iterdir()} == {0o600}


@pytest.mark.parametrize("hostile", ["../../etc/cron.d/x", "/etc/passwd", "a\x00b\n", "🚗" * 300, "", "."])
def test_a_hostile_camera_or_id_stays_in_the_folder(tmp_path: Path, hostile: str) -> None:
    folder = tmp_path / "deep" / "folder"
    feed(Snapshot(folder=folder), replace(read_of_a_plate(camera=hostile), id=hostile))
    assert len(names(folder)) == 2
    assert names(tmp_path) == ["deep"]


def test_only_the_latest_are_kept_also_after_a_restart_and_nothing_else_is_deleted(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").touch()
    feed(Snapshot(folder=tmp_path, keep=3), *(read_of_a_plate(at=n) for n in range(5)))
    feed(Snapshot(folder=tmp_path, keep=2), read_of_a_plate(at=5))
    kept = [name.split("-")[0] for name in names(tmp_path) if name.endswith(".plate.jpg")]
    assert kept == ["20260101T120004.000000Z", "20260101T120005.000000Z"]
    assert "holiday.jpg" in names(tmp_path)
    assert len(names(tmp_path)) == 5


def test_a_read_cut_loose_from_its_frame_and_one_at_the_edge_are_pictured_too(tmp_path: Path) -> None:
    beyond = Detection(plate_frame(), Box(600, 340, 700, 400), 0.9, np.array([[600, 340]] * 4, np.float32))
    tiny = Detection(Frame(np.zeros((1, 1, 3), np.uint8), Stamp("x", NOON, 0)), Box(0, 0, 1, 1), 0.9)
    reads = [read_of_a_plate().detached(), PlateRead("A", 1.0, beyond), PlateRead("B", 1.0, tiny), plate_read()]
    feed(Snapshot(folder=tmp_path), *reads)
    assert len(names(tmp_path)) == 8


def test_a_full_disk_is_said_with_the_path_and_leaves_no_half_picture(
    tmp_path: Path, full_disk: Callable[[int], AbstractContextManager[None]]
) -> None:
    node = Snapshot(folder=tmp_path)
    node.open()
    with full_disk(100), pytest.raises(OSError, match=str(tmp_path)) as caught:
        node.process(read_of_a_plate("AB123"))
    assert "AB123" not in str(caught.value)
    assert names(tmp_path) == []
    node.process(read_of_a_plate())
    assert len(names(tmp_path)) == 2


def test_a_folder_that_cannot_be_made_is_told_before_the_first_read(
    tmp_path: Path, nobody: tuple[Path, Callable[[], AbstractContextManager[None]]]
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SetupError, match=r"cannot be used"):
        feed(Snapshot(folder=tmp_path / "file"))
    folder, unprivileged = nobody
    with unprivileged(), pytest.raises(SetupError, match=r"cannot be used: Permission denied"):
        feed(Snapshot(folder=folder / "pictures"))
