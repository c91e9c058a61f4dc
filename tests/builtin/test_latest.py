"""A tick fetches the latest frame: of the camera that it names, else of all, and none that is stale."""

from __future__ import annotations

from datetime import timedelta

from flowalpr import Frame, Stamp, Tick
from flowalpr.testing import NOON, feed, plate_frame
from flowalpr_builtin.filters.latest import Latest


def tick(at: float, camera: str = "button") -> Tick:
    return Tick(Stamp(camera, NOON + timedelta(seconds=at), 0))


def given(*messages: Frame | Tick) -> list[tuple[str, int]]:
    return [(frame.stamp.camera, frame.stamp.number) for frame in feed(Latest(), *messages) if isinstance(frame, Frame)]


def frames(camera: str, count: int) -> list[Frame]:
    return [plate_frame(camera=camera, number=number, at=number / 10) for number in range(count)]


def test_without_a_tick_no_frame_passes() -> None:
    assert given(*frames("gate", 3)) == []


def test_a_tick_fetches_the_latest_frame_each_time() -> None:
    assert given(tick(0), *frames("gate", 3), tick(1), tick(1.5)) == [("gate", 2), ("gate", 2)]


def test_a_tick_that_names_a_camera_is_for_that_one_and_any_other_for_all() -> None:
    both = [*frames("gate", 3), *frames("exit", 2)]
    assert given(*both, tick(1, "exit")) == [("exit", 1)]
    assert given(*both, tick(1)) == [("gate", 2), ("exit", 1)]


def test_the_frame_of_a_camera_that_fell_silent_is_not_given() -> None:
    assert given(*frames("gate", 3), tick(2.2)) == [("gate", 2)]
    assert given(*frames("gate", 3), tick(2.3)) == []
