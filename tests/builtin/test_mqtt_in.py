"""Pictures from a real broker: fresh ones only, each with its camera, and clear words when the broker says no."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import paho.mqtt.publish as publish
import pytest
from pydantic import ValidationError
from support.broker import Broker, free_port, until
from support.flows import Keep, graph_of

from flowalpr import Fault, Frame, Tick
from flowalpr.engine.runner import Runner
from flowalpr.testing import plate_frame
from flowalpr_builtin.sources.mqtt_in import MqttIn
from flowalpr_builtin.sources.mqtt_trigger import MqttTrigger

PICTURE = bytes(cv2.imencode(".jpg", plate_frame().image)[1])


class Running:
    """A node in a thread of its own, as in a flow, and what it gave."""

    def __init__(self, node: MqttIn | MqttTrigger) -> None:
        self.given: list[Frame | Tick | Fault] = []
        self.error: Exception | None = None
        self._stopping = threading.Event()
        self._node = node
        node.place("yard", self._stopping)
        node.open()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            for each in self._node.process():
                self.given.append(each)
        except Exception as error:
            self.error = error

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(10)
        self._node.close()


def tell(port: int, topic: str, payload: bytes, retain: bool = False) -> None:
    publish.single(topic, payload, qos=1, retain=retain, port=port, hostname="127.0.0.1")


@pytest.mark.slow
@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_a_picture_that_is_published_is_a_frame_of_its_camera(broker: Callable[..., Broker], version: str) -> None:
    there = broker()
    tell(there.port, "cameras/old/jpeg", PICTURE, retain=True)
    node = Running(MqttIn(host="127.0.0.1", port=there.port, topic="cameras/+/jpeg", version=version, megabytes=0.1))
    try:
        # Until the node has subscribed, what is published goes by.
        def heard() -> bool:
            tell(there.port, "cameras/gate/jpeg", PICTURE)
            return bool(node.given)

        until(heard)
        node.given.clear()
        tell(there.port, "cameras/exit/jpeg", b"no picture")
        tell(there.port, "cameras/exit/jpeg", PICTURE + b"x" * 80_000)
        tell(there.port, "cameras/exit/jpeg", PICTURE + b"x" * 100_000)
        tell(there.port, "cameras/exit/jpeg", PICTURE)
        until(lambda: [each.stamp.camera for each in node.given if isinstance(each, Frame)].count("exit") == 2)
    finally:
        node.stop()
    faults = [each.error for each in node.given if isinstance(each, Fault)]
    frames = [each for each in node.given if isinstance(each, Frame)]
    assert {frame.stamp.camera for frame in frames[-2:]} == {"exit"}
    assert frames[-1].image.shape == (360, 640, 3)
    assert faults[0] == (
        "the picture on cameras/exit/jpeg is not a picture; expected JPEG, PNG, WebP, BMP or TIFF; "
        "to fix check that the file is whole"
    )
    assert "the picture on cameras/exit/jpeg has 0.1 MB; 0.1 are allowed" in faults
    assert node.error is None


def test_a_source_that_is_silent_between_pictures_is_not_called_stalled(
    broker: Callable[..., Broker], tmp_path: Path
) -> None:
    there, kept = broker(), Keep()
    source = MqttIn(host="127.0.0.1", port=there.port, topic="a")
    running = Runner(graph_of(("cams", source, ""), ("keep", kept, "cams")), tmp_path / "dead.jsonl")
    running.start()

    def heard() -> bool:
        tell(there.port, "a", PICTURE)
        return bool(kept.kept())

    try:
        until(heard)
        assert running.snapshot().cameras[0].state == "running"  # A camera would be `live`, a second later `stalled`.
    finally:
        running.stop()


def test_a_broker_that_is_away_is_an_error_in_words() -> None:
    node = Running(MqttIn(host="127.0.0.1", port=free_port(), topic="a"))
    until(lambda: node.error)
    node.stop()
    assert isinstance(node.error, ConnectionError)  # After which the engine opens a live source again.
    assert "refuses the connection: check `host` and `port`" in str(node.error)


def test_a_broker_that_goes_away_is_an_error(broker: Callable[..., Broker]) -> None:
    there = broker()
    node = Running(MqttIn(host="127.0.0.1", port=there.port, topic="a"))

    def heard() -> bool:
        tell(there.port, "a", PICTURE)
        return bool(node.given)

    until(heard)
    there.kill()
    until(lambda: node.error)
    node.stop()
    assert "broke off the connection" in str(node.error)


@pytest.mark.parametrize("topic", ["a/b+/c", "a/#/c", "a#", ""])
def test_a_topic_that_no_broker_takes_is_refused(topic: str) -> None:
    with pytest.raises(ValidationError, match=r"stands for one whole level|at least 1"):
        MqttIn(host="broker", topic=topic)


def test_a_word_on_a_topic_is_a_tick_and_another_word_is_none(broker: Callable[..., Broker]) -> None:
    there = broker()
    node = Running(MqttTrigger(host="127.0.0.1", port=there.port, topic="loops/+/state", payload="ON"))
    try:

        def heard() -> bool:
            tell(there.port, "loops/gate/state", b"OFF")
            tell(there.port, "loops/gate/state", b"ON")
            return bool(node.given)

        until(heard)
        node.given.clear()
        for word in (b"OFF", b"ON", b"on", b"\xff"):
            tell(there.port, "loops/exit/state", word)
        tell(there.port, "loops/last/state", b"ON")
        until(lambda: cameras(node)[-1:] == ["last"])
    finally:
        node.stop()
    assert cameras(node)[-2:] == ["exit", "last"]


def cameras(node: Running) -> list[str]:
    return [each.stamp.camera for each in node.given if isinstance(each, Tick)]
