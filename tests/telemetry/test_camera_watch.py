from __future__ import annotations

import pytest

from flowalpr.telemetry.camera import CameraWatch


class Hand:
    """A clock that is moved by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Hand:
    return Hand()


def sends(watch: CameraWatch, clock: Hand, frames: int, interval: float) -> None:
    for _ in range(frames):
        clock.now += interval
        watch.came(1280, 720)


def test_a_camera_goes_through_its_states_in_words(clock: Hand) -> None:
    watch = CameraWatch(clock)
    assert watch.state() == "connecting"
    assert watch.age() is None
    sends(watch, clock, 30, 0.04)
    assert watch.state() == "live"
    assert watch.state("live, without the main stream") == "live, without the main stream"
    clock.now += 12
    assert watch.state("live, without the main stream") == "stalled 12 s"
    watch.retries(8.4, "gave no picture for 15 s\n  to fix    see the cable")
    assert watch.state() == watch.retry() == "retry in 8 s: gave no picture for 15 s; to fix see the cable"
    clock.now += 5
    assert watch.state() == "retry in 3 s: gave no picture for 15 s; to fix see the cable"
    clock.now += 9
    assert watch.state() == "retry in 0 s: gave no picture for 15 s; to fix see the cable"
    watch.connects()
    assert (watch.state(), watch.retry(), watch.reconnects) == ("connecting", "", 1)
    sends(watch, clock, 1, 0.04)
    assert (watch.state(), watch.frames, watch.width, watch.height) == ("live", 31, 1280, 720)


def test_a_slow_camera_is_not_stalled_between_its_pictures(clock: Hand) -> None:
    watch = CameraWatch(clock)
    sends(watch, clock, 5, 10.0)
    clock.now += 20
    assert watch.state() == "live"
    clock.now += 40
    assert watch.state() == "stalled 60 s"


def test_the_rate_is_that_of_the_last_seconds_since_it_was_connected(clock: Hand) -> None:
    watch = CameraWatch(clock)
    assert watch.fps() == 0
    sends(watch, clock, 1000, 0.04)
    assert watch.fps() == pytest.approx(25)
    clock.now += 60
    assert watch.fps() == 0
    watch.connects()
    sends(watch, clock, 20, 0.1)
    assert watch.fps() == pytest.approx(10)
    assert watch.age() == 0
