"""What tests of several built-in nodes share."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest
from support.broker import Broker, Listener

from flowalpr_builtin.sinks.mqtt import Mqtt

SLOPE = 3
"""Grey levels from one frame of `video_file` to the next, so that a frame can be told by its picture."""


@pytest.fixture
def video_file(tmp_path: Path) -> Callable[..., Path]:
    """Makes a video: `video_file("a.mp4", frames=20, fps=10)`; frame n is grey of level 3 n, with noise."""
    import av

    def make(name: str, frames: int = 20, fps: int = 10, **metadata: str) -> Path:
        path = tmp_path / name
        random = np.random.default_rng(0)
        options = {"movflags": "faststart"} if path.suffix == ".mp4" else {}
        with av.open(str(path), "w", options=options) as container:
            container.metadata.update(metadata)
            stream = container.add_stream("libx264", rate=fps, options={"bf": "2", "g": "10"})
            stream.width, stream.height, stream.pix_fmt = 66, 50, "yuv420p"
            for number in range(frames):
                noise = random.integers(0, 9, (50, 66, 3))
                image = (np.full((50, 66, 3), 20 + SLOPE * number) + noise).astype(np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "bgr24")))
            container.mux(stream.encode())
        return path

    return make


@pytest.fixture
def nobody() -> Iterator[tuple[Path, Callable[[], AbstractContextManager[None]]]]:
    """A folder that may be read only, and `with unprivileged():`, within which that holds for root as well."""

    @contextmanager
    def unprivileged() -> Iterator[None]:
        was = os.geteuid()
        if was == 0:
            os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(was)

    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555 if os.geteuid() else 0o755)
        yield Path(folder), unprivileged
        Path(folder).chmod(0o755)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Callable[..., Broker]]:
    """Starts mosquitto, with these lines in its configuration."""
    started: list[Broker] = []

    def start(*settings: str) -> Broker:
        started.append(Broker(tmp_path, *settings).start())
        return started[-1]

    yield start
    for each in started:
        each.kill()


@pytest.fixture
def listener() -> Iterator[Callable[..., Listener]]:
    """Makes subscribers: `listener(port, topic, ..., user=..., password=...)`; all but the port are optional."""
    listeners: list[Listener] = []

    def listening(port: int, *topics: str, **login: str) -> Listener:
        listeners.append(Listener(port, *topics, **login))
        return listeners[-1]

    yield listening
    for each in listeners:
        each.close()


@pytest.fixture
def mqtt(tmp_path: Path) -> Iterator[Callable[..., Mqtt]]:
    """Makes and opens a node `mqtt` for the broker at a port: `mqtt(port, qos=2)`."""
    nodes: list[Mqtt] = []

    def opened(port: int, **settings: object) -> Mqtt:
        nodes.append(Mqtt.model_validate({"host": "127.0.0.1", "port": port, "queue": tmp_path / "queue", **settings}))
        nodes[-1].open()
        return nodes[-1]

    yield opened
    for node in nodes:
        node.close()
