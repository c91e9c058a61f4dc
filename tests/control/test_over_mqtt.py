"""The lines of the documents that let a flow take commands from MQTT, with a real broker and a flow that runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import paho.mqtt.publish as publish
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from support.broker import Broker
from support.flows import Keep, graph_of
from support.live import LiveFrames
from support.served import Served, until

PAGE = Path(__file__).parents[2] / "docs" / "control.md"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    there = Broker(tmp_path).start()
    yield there
    there.kill()


@pytest.mark.slow
def test_a_camera_is_paused_and_resumed_over_mqtt(broker: Broker) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    lines: dict[str, Any] = {"__name__": "commands"}
    exec(compile(code, PAGE.name, "exec"), lines)
    flow = Served(graph_of(("gate", LiveFrames(), ""), ("keep", Keep(), "gate")))
    lines["SOCKET"] = flow.socket

    def say(word: str, node: str = "gate") -> None:
        publish.single(f"yard/{node}/set", word, 1, retain=True, hostname="127.0.0.1", port=broker.port)

    def is_in(state: str) -> bool:
        return flow.runner.snapshot().node("gate").state == state

    say("OFF")
    listener = paho.Client(CallbackAPIVersion.VERSION2)
    listener.on_message = lines["obey"]
    listener.connect("127.0.0.1", broker.port)
    listener.subscribe("yard/+/set", 1)
    listener.loop_start()
    try:
        until(lambda: is_in("paused"))
        say("HALT")  # A word that is none.
        say("OFF", "other")  # A node that is none.
        say("ON")
        until(lambda: is_in("live"))
    finally:
        listener.disconnect()
        listener.loop_stop()
        flow.close()
