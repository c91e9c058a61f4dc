"""A camera that answers as it should and sends what nobody can decode."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import pytest

from flowalpr_builtin.sources.camera import Camera
from flowalpr_builtin.sources.live import LiveStream, NoVideoError

SDP = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\nc=IN IP4 127.0.0.1\r\n"
    "a=rtpmap:96 {codec}/90000\r\na=control:video\r\n"
)
HEADERS = {
    "OPTIONS": "Public: OPTIONS, DESCRIBE, SETUP, PLAY\r\n",
    "DESCRIBE": "Content-Type: application/sdp\r\n",
    "SETUP": "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n",
    "PLAY": "Session: 1\r\n",
}


@contextmanager
def rtsp_camera(codec: str) -> Iterator[str]:
    """The URL of a camera that announces this codec and sends the same bytes in packet after packet."""
    over = threading.Event()
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        thread = threading.Thread(target=serve, args=(server, codec, over))
        thread.start()
        try:
            yield f"rtsp://admin:opensesame@127.0.0.1:{server.getsockname()[1]}/main"
        finally:
            over.set()
            thread.join(10)


def serve(server: socket.socket, codec: str, over: threading.Event) -> None:
    connection, _ = server.accept()
    with connection, suppress(OSError), connection.makefile("rb") as asked:
        method = ""
        while method != "PLAY":
            lines = list(iter(lambda: asked.readline().decode().strip(), ""))
            if not lines:
                return
            method = lines[0].split()[0]
            number = next(line for line in lines if line.startswith("CSeq"))
            body = SDP.format(codec=codec) if method == "DESCRIBE" else ""
            head = f"RTSP/1.0 200 OK\r\n{number}\r\n{HEADERS.get(method, '')}Content-Length: {len(body)}\r\n\r\n"
            connection.sendall((head + body).encode())
        for number in range(65_536):
            packet = b"\x80\xe0" + number.to_bytes(2, "big") + (number * 9000).to_bytes(4, "big") + bytes(range(200))
            connection.sendall(b"$\0" + len(packet).to_bytes(2, "big") + packet)
            if over.wait(0.005):
                return


def test_a_codec_that_nobody_knows_is_told_as_such() -> None:
    with rtsp_camera("XYZ") as url:
        camera = Camera(url=url)
        camera.place("gate")
        camera.open()
        with pytest.raises(ConnectionError, match="decoded as video: check the path of the URL and the camera's codec"):
            list(camera.process())
        camera.close()


@pytest.mark.slow
def test_a_stream_of_another_codec_than_it_announces_is_no_camera_that_is_off() -> None:
    options = {"rtsp_transport": "tcp", "timeout": "5000000", "analyzeduration": "100000"}
    with rtsp_camera("H265") as url, pytest.raises(NoVideoError):
        list(LiveStream(url, options, (2.0, 0.3)))
