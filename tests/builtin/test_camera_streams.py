"""Cameras with two streams: an RTSP server shows one clock in both, in bars, the large one 100 ms late."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from flowalpr import Box, Detection, Frame
from flowalpr_builtin.sources.camera import Camera

BARS = 12
StartRtsp = Callable[..., Any]


def tick_of(image: np.ndarray[Any, Any]) -> int:
    """The number that the server shows as bars, the highest bit on the left."""
    width = image.shape[1] / BARS
    middles = [round((bar + 0.5) * width) for bar in range(BARS)]
    return sum(1 << (BARS - 1 - bar) for bar, x in enumerate(middles) if image[image.shape[0] // 2, x, 1] > 128)


@contextmanager
def frames_of(camera: Camera) -> Iterator[Iterator[Frame]]:
    camera.place("gate")
    camera.open()
    try:
        with closing(camera.process()) as messages:
            yield (each for each in messages if isinstance(each, Frame))
    finally:
        camera.close()


def two_streams(server: Any, **settings: object) -> Camera:
    urls = {"main": server.url, "sub": server.url.replace("/main", "/sub")}
    return Camera.model_validate({**urls, "stall": "2 s", **settings})


@pytest.mark.slow
def test_a_plate_is_cut_out_of_the_large_picture_of_the_same_moment(rtsp_server: StartRtsp) -> None:
    camera = two_streams(rtsp_server(ticks=True, fps=20))
    paired: list[Frame] = []
    with frames_of(camera) as frames:
        for frame in islice(frames, 300):
            # Until the camera has told its clock, some seconds after the connection, the delay of `main` shows.
            alike = frame.full is not None and tick_of(frame.full.image) == tick_of(frame.image)
            paired = [*paired, frame] if alike else []
            if len(paired) == 30:
                break
        state = camera.state()
    assert len(paired) == 30, "never 30 in a row of one moment"
    for frame in paired:
        assert frame.full is not None
        assert (frame.width, frame.height) == (160, 120)
        assert frame.full.image.shape == (360, 640, 3)
        assert frame.full.scale == (4, 3)
    assert state == ""
    assert "h264" in camera.notes()["decoder"]
    assert "main stream: h264" in camera.notes()["decoder"]
    crop = Detection(paired[0], Box(50, 50, 90, 60), 0.9).crop()
    assert crop.shape == (30, 160, 3)


@pytest.mark.slow
def test_the_small_pictures_go_on_while_there_are_no_large_ones_and_the_state_says_so(rtsp_server: StartRtsp) -> None:
    both, small = rtsp_server(ticks=True, fps=10), rtsp_server(ticks=True, fps=10)
    camera = Camera(main=both.url, sub=small.url.replace("/main", "/sub"), tolerance="2 s")
    with frames_of(camera) as frames:
        assert next(each for each in islice(frames, 200) if each.full is not None)
        both.kill()
        assert next(each for each in islice(frames, 200) if each.full is None)
        while "refuses" not in camera.state():
            next(frames)
        assert camera.state().startswith("live, without the main stream: refuses the connection")
        rtsp_server(ticks=True, fps=10, port=both.port)
        assert next(each for each in islice(frames, 500) if each.full is not None)
        assert camera.state() == ""
    assert camera.tallies()["frames without the main stream's picture"] > 0


@pytest.mark.slow
def test_a_main_stream_that_hangs_holds_nothing_up(rtsp_server: StartRtsp) -> None:
    both, small = rtsp_server(ticks=True, fps=10), rtsp_server(ticks=True, fps=10)
    camera = Camera(main=both.url, sub=small.url.replace("/main", "/sub"), tolerance="2 s", stall="1 s")
    with frames_of(camera) as frames:
        assert next(each for each in islice(frames, 200) if each.full is not None)
        both.freeze()
        first = last = next(frames).stamp
        while "gave no picture for 1 s" not in camera.state():
            last = next(frames).stamp
        both.thaw()
    assert last.number - first.number >= 5


@pytest.mark.slow
def test_a_frame_s_time_is_when_it_was_taken_by_the_camera_s_own_clock(rtsp_server: StartRtsp) -> None:
    server = rtsp_server(ticks=True, fps=10)
    right = 0
    with frames_of(Camera(url=server.url, clock="camera")) as frames:  # Sent 100 ms late.
        for frame in islice(frames, 150):
            tenths = frame.stamp.time.timestamp() * 10
            behind = (tenths - tick_of(frame.image)) % (1 << BARS)
            right = right + 1 if behind < 0.9 else 0
            if right == 20:
                break
    assert right == 20, "never 20 in a row whose time was within the tenth of a second that they show"


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"main": "rtsp://10.0.0.5/main"},
        {"sub": "rtsp://10.0.0.5/sub"},
        {"url": "rtsp://10.0.0.5/", "sub": "rtsp://10.0.0.5/sub"},
        {"url": "rtsp://10.0.0.5/", "main": "rtsp://10.0.0.5/main", "sub": "rtsp://10.0.0.5/sub"},
        {"main": "clip.mp4", "sub": "rtsp://10.0.0.5/sub"},
    ],
)
def test_a_camera_has_one_url_or_two_streams(settings: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="`main` and `sub`"):
        Camera.model_validate(settings)
