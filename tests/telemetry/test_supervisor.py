"""What a service manager hears of a flow: real datagrams, of a real process where it matters."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from flowalpr.telemetry.snapshot import FlowSnapshot, NodeSnapshot
from flowalpr.telemetry.supervisor import Supervisor, in_words

WITHIN = 60.0


class Manager:
    """Listens as systemd does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(WITHIN)

    def next(self) -> list[str]:
        return self._socket.recv(4096).decode().split("\n")

    def until(self, line: str, *, without: str = "-") -> list[str]:
        """The next word with that line and without the other."""
        while True:
            heard = self.next()
            if line in heard and without not in heard:
                return heard

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    listening = Manager(tmp_path / "notify")
    yield listening
    listening.close()


def snapshot(*nodes: NodeSnapshot) -> FlowSnapshot:
    return FlowSnapshot(flow="parking", time=datetime.now(timezone.utc), seconds=1, nodes=nodes, wires=())


def node(name: str, kind: str, state: str = "running", errors: int = 0) -> NodeSnapshot:
    counts = {"taken": 3, "given": 5, "dropped": 0, "waiting": 0, "busy_ms": 0, "p50_ms": 0, "p95_ms": 0, "p99_ms": 0}
    return NodeSnapshot(name=name, uses="x", kind=kind, state=state, errors=errors, last_error="", **counts)


FLOW = """
flow: ticking
nodes:
  tick: {uses: timer, with: {every: 2 ms}}
  file: {uses: lines, from: tick, with: {path: ticks}}
"""


@pytest.mark.slow
def test_a_flow_is_ready_gives_signs_of_life_unless_it_hangs_and_says_that_it_stops(manager, tmp_path):
    (tmp_path / "flow.yaml").write_text(FLOW)
    os.mkfifo(tmp_path / "ticks")
    pipe = os.open(tmp_path / "ticks", os.O_RDWR | os.O_NONBLOCK)
    fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 4096)  # A node that writes into a pipe which nobody empties hangs.
    process = subprocess.Popen(
        [sys.executable, "-m", "flowalpr", "run", "flow.yaml", "--summary", "none"],
        cwd=tmp_path,
        env={
            **os.environ,
            "FLOWALPR_STATE": str(tmp_path / "state"),
            "NOTIFY_SOCKET": str(manager.path),
            "WATCHDOG_USEC": "600000",
        },
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert manager.next()[0] == "READY=1"
        manager.until("WATCHDOG=1")
        manager.until("STATUS=hangs in 'file'", without="WATCHDOG=1")
        assert "WATCHDOG=1" not in manager.next()
        reader = threading.Thread(target=_empty, args=(tmp_path / "ticks",), daemon=True)
        reader.start()
        manager.until("WATCHDOG=1")
        process.send_signal(signal.SIGTERM)
        manager.until("STOPPING=1")
        assert process.wait(WITHIN) == 0
        assert "'file' did not come back for 0.6 s; the watchdog will restart the flow" in process.stderr.read()
    finally:
        process.kill()
        process.communicate()
        os.close(pipe)


def _empty(pipe: Path) -> None:
    """Read until nobody holds the other end any more."""
    with pipe.open("rb", buffering=0) as reading:
        while reading.read(65536):
            pass


def test_nothing_is_said_where_nobody_supervises():
    with Supervisor(snapshot, lambda seconds: (), {}):
        pass


def test_a_watchdog_meant_for_another_process_gets_no_sign_of_life(manager):
    environ = {"NOTIFY_SOCKET": str(manager.path), "WATCHDOG_USEC": "30000", "WATCHDOG_PID": "1"}
    with Supervisor(snapshot, lambda seconds: (), environ):
        assert manager.next() == ["READY=1", "STATUS="]
    assert manager.next()[0] == "STOPPING=1"


def test_the_status_says_what_came_what_went_and_who_is_unwell_but_not_why():
    seen = snapshot(
        node("gate", "source"),
        node("back", "source", "retry in 8 s: camera back at rtsp://10.0.0.5/main refuses the user"),
        node("archive", "sink", errors=2),
    )
    words = "gate gave 5, back gave 5; archive took 3; 2 errors; not well: back retry in 8 s"
    assert in_words(seen) == words
