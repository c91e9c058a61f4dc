"""A real camera in a running flow: killed, frozen, back again, and what the flow says of it meanwhile."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from support.flows import Keep, graph_of

from flowalpr.engine.runner import Runner
from flowalpr.telemetry.snapshot import CameraSnapshot
from flowalpr_builtin.sources.camera import Camera

pytestmark = pytest.mark.slow


class Watched:
    """A flow with one camera."""

    def __init__(self, runner: Callable[..., Runner], **settings: object) -> None:
        camera = Camera.model_validate(settings)
        self.running = runner(graph_of(("gate", camera, ""), ("keep", Keep(), "gate")))
        self.running.start()

    def until(self, state: str) -> CameraSnapshot:
        """What is seen of the camera as soon as its state fits."""
        for _ in range(4000):
            (seen,) = self.running.snapshot().cameras
            if re.fullmatch(state, seen.state):
                return seen
            assert not self.running.wait(0.01)
        raise AssertionError(f"the camera never was {state}, but {seen.state}")


def test_a_killed_camera_is_live_again_as_soon_as_it_answers(
    runner: Callable[..., Runner], rtsp_server: Callable[..., Any]
) -> None:
    server = rtsp_server()
    flow = Watched(runner, url=server.url)
    live = flow.until("live")
    assert (live.width, live.height, live.reconnects) == (320, 240, 0)
    assert live.decoder == "h264, software"
    server.kill()
    address = re.escape(server.url)
    flow.until(f"retry in [1-9] s: {address} refuses the connection: check the port, .*")
    # The third pause takes 4 s at least; it is cut short.
    flow.until(f"retry in 4 s: {address} refuses .*")
    rtsp_server(port=server.port)
    back = flow.until("live")
    assert back.reconnects >= 3
    assert back.frames > live.frames
    assert back.age_s is not None


def test_a_camera_that_hangs_is_stalled_then_tried_again_and_live_when_it_goes_on(
    runner: Callable[..., Runner], rtsp_server: Callable[..., Any]
) -> None:
    server = rtsp_server()
    flow = Watched(runner, url=server.url, stall="3 s")
    flow.until("live")
    server.freeze()
    flow.until("stalled [23] s")
    flow.until("retry in 1 s: .* gave no picture for 3 s: check the camera and the network")
    server.thaw()
    assert flow.until("live").reconnects >= 1


def test_a_password_is_in_nothing_that_a_flow_tells(
    runner: Callable[..., Runner], rtsp_server: Callable[..., Any], capfd: pytest.CaptureFixture[str]
) -> None:
    server = rtsp_server(user="admin", password="opensesame")
    flow = Watched(runner, url=server.url.replace("//", "//admin:sesamclose@"))
    flow.until("retry in 1 s: .* refuses the user or the password: check both")
    told = flow.running.snapshot().model_dump_json()
    flow.running.stop()
    letters = flow.running.dead_letters.path.read_text()
    assert json.loads(letters.splitlines()[0])["node"] == "gate"
    for text in (told, letters, *capfd.readouterr()):
        assert "sesamclose" not in text
        assert "admin" not in text
