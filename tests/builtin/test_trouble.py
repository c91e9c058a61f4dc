from __future__ import annotations

import socket
import threading
from contextlib import closing

from support.broker import free_port

from flowalpr_builtin.sources.trouble import Door


def answer_once(server: socket.socket, answer: bytes) -> None:
    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()


def test_a_door_opens_once_when_somebody_answers_after_nobody_did() -> None:
    port = free_port()
    door = Door(f"rtsp://admin:opensesame@127.0.0.1:{port}/main")
    assert not door.opens()
    assert not door.opens()
    with closing(socket.create_server(("127.0.0.1", port))) as server:
        answer_once(server, b"RTSP/1.0 401 Unauthorized\r\n\r\n")
        assert door.opens(), "whoever asks for a password is there"
        answer_once(server, b"RTSP/1.0 401 Unauthorized\r\n\r\n")
        assert not door.opens(), "it was open before, so its trouble is another one"
        answer_once(server, b"HTTP/1.1 400 Bad Request\r\n\r\n")
        assert not door.opens()
        door.shut()
        answer_once(server, b"RTSP/1.0 200 OK\r\n\r\n")
        assert door.opens()


def test_a_camera_that_takes_connections_and_says_nothing_is_not_back() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        door = Door(f"rtsp://127.0.0.1:{port}/main")
        door.shut()
        assert not door.opens()
        web = Door(f"http://127.0.0.1:{port}/video.mjpg")
        web.shut()
        assert web.opens()


def test_a_name_that_nobody_knows_is_a_shut_door() -> None:
    assert not Door("rtsp://gate.invalid/main").opens()
    assert not Door("https://" + "a" * 80 + ".invalid/").opens()
