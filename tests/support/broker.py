"""An MQTT broker for tests: mosquitto of the system (Debian: apt-get install mosquitto) in a process of its own."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from flowalpr import END_OF_TIME, Node

PROGRAM = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


def skip_without() -> None:
    """Leave the test out where there is no mosquitto."""
    if PROGRAM is None:
        pytest.skip("no mosquitto on this machine; see tests/support/broker.py")


class Broker:
    """mosquitto on a port of its own, which it keeps over restarts; remembers sessions if it is ended in peace."""

    def __init__(self, folder: Path, *settings: str) -> None:
        """`settings` are further lines of its configuration, in place of `allow_anonymous true` if there are any."""
        skip_without()
        self.port = free_port()
        self._settings = folder / "mosquitto.conf"
        lines = [
            f"listener {self.port} 127.0.0.1",
            "user root",
            "persistence true",
            f"persistence_location {folder}/",
            "autosave_interval 1",
            "autosave_on_changes true",
            "max_queued_messages 0",
            *(settings or ["allow_anonymous true"]),
        ]
        self._settings.write_text("\n".join(lines) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Broker:
        """Start it, and wait until it takes connections."""
        self._process = subprocess.Popen(
            [str(PROGRAM), "-c", str(self._settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                assert self._process.poll() is None, self._settings.read_text()
                assert monotonic() < until
                sleep(0.01)  # There is nothing to wait for but the port itself.
            else:
                return self

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it: as a power cut would, or in peace by SIGTERM."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(10)
            self._process = None


class Listener:
    """A subscriber that remembers in order what came, as (topic, payload), also over restarts of the broker."""

    def __init__(self, port: int, *topics: str, **login: str) -> None:
        self.heard: list[tuple[str, str]] = []
        self._client = paho.Client(CallbackAPIVersion.VERSION2, f"listener-{port}", protocol=MQTTProtocolVersion.MQTTv5)
        session = Properties(PacketTypes.CONNECT)
        session.SessionExpiryInterval = 3600
        # mosquitto 2.0.11 brings back messages on their way to a subscriber more than once if there are several.
        session.ReceiveMaximum = 1
        self._client.reconnect_delay_set(1, 1)
        subscribed = threading.Event()
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.on_connect = lambda client, *_: client.subscribe(
            [(topic, 2) for topic in topics or ("flowalpr/#",)]
        )
        self._client.on_message = lambda _, __, message: self.heard.append((message.topic, message.payload.decode()))
        if login:
            self._client.username_pw_set(login["user"], login["password"])
        self._client.connect("127.0.0.1", port, clean_start=False, properties=session)
        self._client.loop_start()
        assert subscribed.wait(10)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait for something that happens in another process; fails if it does not."""
    end = monotonic() + seconds
    while not condition():
        assert monotonic() < end, "it did not happen in time"
        sleep(0.01)  # Another process gives no signal.


def texts(heard: list[tuple[str, str]]) -> list[str]:
    """The plates of the events that a listener heard."""
    return [json.loads(payload)["text"] for topic, payload in heard if "/status/" not in topic]


def finished(node: Node) -> None:
    """Let a sink send what it has, as at the end of a flow."""
    assert node.due(END_OF_TIME) == []
