"""Pictures that are sent by HTTP: taken one by one, with a token, bounded in size, and none dropped."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import cv2
import httpx2
import pytest
from pydantic import ValidationError
from support.broker import free_port
from support.flows import Gate, graph_of

from flowalpr import Frame
from flowalpr.engine.runner import Runner
from flowalpr.testing import plate_frame
from flowalpr_builtin.sources.http_in import HttpIn
from flowalpr_builtin.sources.picture_server import CLIENTS, PictureServer

PICTURE = bytes(cv2.imencode(".jpg", plate_frame().image)[1])
Server = Callable[..., tuple[str, list[Frame]]]


@pytest.fixture
def server() -> Iterator[Server]:
    """Runs a node in a thread, as the engine does; gives its address and the frames it gave so far."""
    running: list[tuple[threading.Event, threading.Thread]] = []

    def start(**settings: Any) -> tuple[str, list[Frame]]:
        node = HttpIn(port=free_port(), **settings)
        stopping = threading.Event()
        node.place("door", stopping)
        node.open()
        frames: list[Frame] = []
        thread = threading.Thread(target=lambda: frames.extend(iter_into(frames, node)))
        thread.start()
        running.append((stopping, thread))
        wait_for(node.port)
        return f"http://127.0.0.1:{node.port}/", frames

    yield start
    for stopping, thread in running:
        stopping.set()
        thread.join(5)


def iter_into(frames: list[Frame], node: HttpIn) -> list[Frame]:
    for frame in node.process():
        frames.append(frame)
    return []


def wait_for(port: int) -> None:
    for _ in range(500):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            threading.Event().wait(0.01)
        else:
            return
    raise AssertionError(port)


def test_a_picture_that_is_sent_is_a_frame(server: Server) -> None:
    url, frames = server()
    for _ in range(3):
        assert httpx2.post(url, content=PICTURE).status_code == 202
    assert [(frame.stamp.camera, frame.stamp.number) for frame in frames] == [("door", 0), ("door", 1), ("door", 2)]
    assert frames[0].image.shape == (360, 640, 3)


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_the_command_of_the_manual_works(server: Server, tmp_path: Path) -> None:
    url, frames = server()
    (tmp_path / "car.jpg").write_bytes(PICTURE)
    subprocess.run(["curl", "-sf", "--data-binary", f"@{tmp_path}/car.jpg", url], check=True, timeout=10)
    assert len(frames) == 1


def test_without_the_token_nothing_is_taken(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "open-sesame")
    url, frames = server(token="env:TOKEN")
    for shown in ({}, {"Authorization": "Bearer open"}, {"Authorization": "Basic open-sesame"}):
        answer = httpx2.post(url, content=PICTURE, headers=shown)
        assert (answer.status_code, frames) == (401, [])
        assert "sesame" not in answer.text
    assert httpx2.post(url, content=PICTURE, headers={"Authorization": "Bearer open-sesame"}).status_code == 202


def test_what_cannot_be_taken_is_said(server: Server) -> None:
    url, frames = server(megabytes=0.01)
    assert httpx2.post(url, content=b"x" * 10_001).status_code == 413
    assert httpx2.post(url, content=b"no picture").status_code == 415
    assert httpx2.post(url, content=iter([b"of no length"])).status_code == 411
    assert httpx2.get(url).status_code == 405
    assert httpx2.put(url, content=PICTURE).status_code == 405
    form = httpx2.post(url, files={"picture": PICTURE[:1000]})
    assert (form.status_code, form.text[:15]) == (415, "this is a form;")
    assert frames == []


def test_a_client_that_asks_first_is_told_before_it_sends(server: Server) -> None:
    url, frames = server(megabytes=0.05)
    asks = b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    with talking(url) as line:
        line.sendall(asks % len(PICTURE))
        assert line.recv(100).startswith(b"HTTP/1.1 100 ")
        line.sendall(PICTURE)
        assert line.recv(100).startswith(b"HTTP/1.1 202 ")
    with talking(url) as line:
        line.sendall(asks % 50_001)
        assert line.recv(100).startswith(b"HTTP/1.1 413 ")
    assert len(frames) == 1


def test_a_client_that_sends_a_byte_now_and_then_keeps_no_place_for_long() -> None:
    port = free_port()
    server = PictureServer(("127.0.0.1", port), "", 1_000_000, seconds=0.3)
    try:
        for begun, answer in ((b"", b"411"), (b"Content-Length: 900\r\n\r\nA", b"408")):
            with talking(f"http://127.0.0.1:{port}/") as line:
                line.sendall(b"POST / HTTP/1.1\r\nHost: a\r\n" + begun)
                assert line.recv(100).startswith(b"HTTP/1.1 " + answer)
    finally:
        server.close()


@pytest.mark.slow
def test_one_for_whom_there_is_no_place_is_told_to_come_again(server: Server) -> None:
    url, _ = server()
    with ExitStack() as held:
        for _ in range(CLIENTS):
            held.enter_context(talking(url)).sendall(b"POST / HT")
        answer = httpx2.post(url, content=PICTURE)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert httpx2.post(url, content=PICTURE).status_code == 202


def talking(url: str) -> closing[socket.socket]:
    port = httpx2.URL(url).port
    assert port
    return closing(socket.create_connection(("127.0.0.1", port), timeout=5))


def test_a_client_that_hangs_up_does_no_harm(server: Server, capfd: pytest.CaptureFixture[str]) -> None:
    url, frames = server()
    for said in (b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf", b"\xff\x00nonsense\r\n\r\n", b""):
        with talking(url) as line:
            line.sendall(said)
    assert httpx2.post(url, content=PICTURE).status_code == 202
    assert len(frames) == 1
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.slow
def test_no_picture_is_dropped_however_slow_the_flow_is(tmp_path: Path) -> None:
    node, gate = HttpIn(port=free_port()), Gate()
    runner = Runner(graph_of(("door", node, ""), ("slow", gate, "door")), tmp_path / "dead.jsonl")
    runner.start()
    try:
        wait_for(node.port)
        url = f"http://127.0.0.1:{node.port}/"
        answers: list[int] = []
        senders = [
            threading.Thread(target=lambda: answers.append(httpx2.post(url, content=PICTURE, timeout=30).status_code))
            for _ in range(6)
        ]
        for sender in senders:
            sender.start()
        gate.lift()
        for sender in senders:
            sender.join(30)
    finally:
        runner.stop()
    assert answers == [202] * 6
    assert len(gate.kept()) == 6


def test_a_port_that_is_taken_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        node = HttpIn(port=other.getsockname()[1])
        node.open()
        with pytest.raises(OSError, match="cannot be listened at: Address already in use"):
            next(node.process())


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "::"])
def test_without_a_token_only_this_machine_may_send(host: str) -> None:
    with pytest.raises(ValidationError, match="without a `token`"):
        HttpIn(host=host)
