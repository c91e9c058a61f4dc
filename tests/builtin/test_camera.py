from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import Any

import av
import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from flowalpr import Fault, Frame, SetupError
from flowalpr.testing import feed
from flowalpr_builtin.sources.address import Address
from flowalpr_builtin.sources.camera import Camera
from flowalpr_builtin.sources.live import LiveStream, accelerated

StartRtsp = Callable[..., Any]


@contextmanager
def frames_of(camera: Camera) -> Iterator[Iterator[Frame | Fault]]:
    """The frames of a camera that is opened, and closed at the end."""
    camera.place("gate")
    camera.open()
    try:
        with closing(camera.process()) as messages:
            yield messages
    finally:
        camera.close()


def error_of(camera: Camera) -> str:
    """What a camera says when it fails."""
    with frames_of(camera) as messages, pytest.raises(ConnectionError) as caught:
        list(messages)
    assert caught.value.__context__ is None, "nothing that prints the error can print FFmpeg's, with the URL in it"
    return str(caught.value)


@pytest.mark.slow
def test_pictures_of_an_rtsp_camera_arrive_until_it_dies_and_go_on_when_it_is_back(rtsp_server: StartRtsp) -> None:
    server = rtsp_server()
    camera = Camera(url=server.url, stall="3 s")
    assert camera.is_live()
    with frames_of(camera) as messages:
        frames = [next(messages) for _ in range(5)]
        assert [frame.stamp.number for frame in frames if isinstance(frame, Frame)] == [0, 1, 2, 3, 4]
        last = frames[-1]
        assert isinstance(last, Frame)
        assert last.image.shape == (240, 320, 3)
        assert last.image.std() > 20, "the test picture, not grey"
        assert last.source == ""
        assert abs((datetime.now(timezone.utc) - last.stamp.time).total_seconds()) < 2
        server.kill()
        killed = monotonic()
        with pytest.raises(ConnectionError, match=r"^rtsp://127"):
            list(messages)
        assert monotonic() - killed < 10
    with frames_of(Camera(url=rtsp_server().url)) as messages:
        assert isinstance(next(messages), Frame)


@pytest.mark.slow
def test_frames_are_numbered_on_after_a_reconnection(rtsp_server: StartRtsp) -> None:
    camera = Camera(url=rtsp_server(codec="mjpeg").url)
    for expected in (0, 1):
        with frames_of(camera) as messages:
            frame = next(messages)
            assert isinstance(frame, Frame)
            assert frame.stamp.number == expected


@pytest.mark.slow
def test_a_password_with_any_character_opens_and_a_wrong_one_is_not_repeated(
    rtsp_server: StartRtsp, tmp_path: Path
) -> None:
    password = "p@ss/w#rd?:%&"
    server = rtsp_server(user="admin", password=password)
    (tmp_path / "password").write_text(password + "\n")
    with frames_of(Camera(url=server.url, user="admin", password=f"file:{tmp_path}/password")) as messages:
        assert isinstance(next(messages), Frame)
    wrong = server.url.replace("//", "//admin:opensesame@")
    assert error_of(Camera(url=wrong)) == f"{server.url} refuses the user or the password: check both"
    elsewhere = Camera(url=server.url.replace("/main", "/other"), user="admin", password=f"file:{tmp_path}/password")
    assert "check the path" in error_of(elsewhere)


@pytest.mark.slow
def test_a_recording_behind_rtsp_ends_without_an_error(rtsp_server: StartRtsp, video_file: Callable[..., Path]) -> None:
    server = rtsp_server(file=video_file("gate.mp4", frames=10, fps=10))
    with frames_of(Camera(url=server.url, stall="2 s")) as messages:
        assert len(list(messages)) >= 8


@pytest.mark.slow
def test_a_recording_behind_rtsp_that_breaks_off_is_an_error(
    rtsp_server: StartRtsp, video_file: Callable[..., Path]
) -> None:
    server = rtsp_server(file=video_file("gate.mp4", frames=80, fps=10))
    with frames_of(Camera(url=server.url)) as messages:
        next(messages)
        server.kill()
        with pytest.raises(ConnectionError, match="broke off the stream"):
            list(messages)


def test_a_camera_that_is_off_lets_the_flow_start_and_says_what_to_check() -> None:
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"rtsp://admin:opensesame@127.0.0.1:{unused.getsockname()[1]}/main"
        error = error_of(Camera(url=url))
    assert "refuses the connection: check the port" in error
    assert "opensesame" not in error
    assert "admin" not in error


def test_a_camera_whose_name_nobody_knows_is_named() -> None:
    error = error_of(Camera(url="rtsp://gate.invalid/main"))
    assert error.startswith("rtsp://gate.invalid/main cannot be reached")


@pytest.mark.slow
def test_a_camera_that_accepts_and_says_nothing_fails_within_the_stated_time() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        begun = monotonic()
        error = error_of(Camera(url=f"rtsp://127.0.0.1:{silent.getsockname()[1]}/main"))
    assert "does not answer within 15 s" in error
    assert monotonic() - begun < 25


class MjpegCamera(BaseHTTPRequestHandler):
    """Sends five pictures of growing size as motion JPEG, then hangs up or falls silent, as the path says."""

    released = threading.Event()

    def do_GET(self) -> None:
        if self.path == "/missing":
            self.send_error(404)
            return
        self.send_response(200)
        if self.path == "/index.html":
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", "4800")
            self.end_headers()
            self.wfile.write(b"Welcome to your camera. " * 200)
            return
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        for number in range(5):
            image = np.full((48 + 16 * number, 64 + 16 * number, 3), 40 * number + 20, np.uint8)
            content = cv2.imencode(".jpg", image)[1].tobytes()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(content)}\r\n\r\n"
            self.wfile.write(head.encode() + content + b"\r\n")
        if self.path.startswith("/silent"):
            self.wfile.flush()
            self.released.wait(20)

    def log_message(self, *arguments: object) -> None:
        """Nothing: a test is quiet."""


@pytest.fixture
def mjpeg() -> Iterator[str]:
    MjpegCamera.released.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), MjpegCamera)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    MjpegCamera.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_motion_jpeg_camera_may_change_the_size_of_its_pictures(mjpeg: str) -> None:
    with frames_of(Camera(url=f"{mjpeg}/video.mjpg")) as messages:
        images = [message.image for message in islice(messages, 5) if isinstance(message, Frame)]
        assert [image.shape for image in images] == [(48 + 16 * n, 64 + 16 * n, 3) for n in range(5)]
        assert [float(image.mean()) for image in images] == pytest.approx([20, 60, 100, 140, 180], abs=2)
        with pytest.raises(ConnectionError, match="broke off the stream"):
            next(messages)


def test_a_camera_that_falls_silent_fails_after_the_stall_time(mjpeg: str) -> None:
    camera = Camera(url=f"{mjpeg}/silent?user=admin&password=opensesame", stall="300 ms")
    begun = monotonic()
    error = error_of(camera)
    assert 0.3 <= monotonic() - begun < 10
    assert "gave no picture for 0.3 s" in error
    assert "opensesame" not in error


@pytest.mark.slow
def test_a_stream_of_sound_is_no_video(rtsp_server: StartRtsp) -> None:
    assert "decoded as video: check the path of the URL and the camera's codec" in error_of(
        Camera(url=rtsp_server(codec="l16").url)
    )


@pytest.mark.parametrize(
    "hello", [b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n", b"", b"\x00\xff" * 40_000], ids=["half", "noise", "long"]
)
def test_a_stream_of_garbage_is_an_error_and_no_crash(hello: bytes) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        threading.Thread(target=send_garbage, args=(server, hello), daemon=True).start()
        error = error_of(Camera(url=f"rtsp://admin:opensesame@127.0.0.1:{server.getsockname()[1]}/main"))
    assert "decoded as video" in error or "cannot be reached" in error or "answers with an error" in error
    assert "opensesame" not in error


def send_garbage(server: socket.socket, hello: bytes) -> None:
    connection, _ = server.accept()
    with connection, suppress(OSError):
        connection.recv(1000)
        connection.sendall(hello + np.random.default_rng(0).bytes(100_000))


@pytest.mark.slow
def test_pictures_that_stay_the_same_count_as_a_failure(rtsp_server: StartRtsp, tmp_path: Path) -> None:
    server = rtsp_server(loop=still_picture(tmp_path / "still"))
    camera = Camera(url=server.url, frozen="3 s")
    states = set()
    with frames_of(camera) as messages:
        seen = (states.add(camera.state()) for _ in messages)
        with pytest.raises(ConnectionError, match="the very same picture for 3 s"):
            list(seen)
    assert "stalled 2 s" in states
    assert camera.notes() == {"decoder": "h264, software"}
    with frames_of(Camera(url=server.url, frozen="0 s")) as messages:
        assert len(list(islice(messages, 50))) == 50


def still_picture(folder: Path) -> Path:
    """One key picture, for the server to repeat for ever."""
    folder.mkdir()
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.framerate = 320, 240, "yuv420p", 10
    encoder.options = {"x264-params": "repeat-headers=1"}
    picture = av.VideoFrame.from_ndarray(np.full((240, 320, 3), 90, np.uint8), "bgr24")
    (packet,) = [*encoder.encode(picture), *encoder.encode()]
    (folder / "00000.h264").write_bytes(bytes(packet))
    return folder


def test_a_decoder_that_is_not_there_is_replaced_by_software_aloud(
    video_file: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    wanted = next((name for name in ("vaapi", "qsv", "cuda") if accelerated(name) is None), None)
    if wanted is None:
        pytest.skip("this machine decodes in hardware whatever it is told")
    caplog.clear()
    stream = LiveStream(str(video_file("gate.mp4", frames=12)), {}, (15.0, 5.0), wanted)
    with closing(stream):
        assert len(list(stream)) == 12
        assert stream.decoder == "h264, software"
    assert f"{wanted} cannot decode video here" in caplog.text
    assert "it is decoded in software" in caplog.text


def test_a_pipeline_needs_an_opencv_with_gstreamer_and_never_shows_its_words() -> None:
    camera = Camera(url="rtspsrc location=rtsp://10.0.0.5/ user-pw=opensesame ! decodebin ! videoconvert ! appsink")
    assert camera.is_live()
    for text in (repr(camera), f"{camera.url}", camera.model_dump_json()):
        assert "rtspsrc" in text
        assert "opensesame" not in text
    if any("GStreamer" in line and "YES" in line for line in cv2.getBuildInformation().splitlines()):
        pytest.skip("this machine's OpenCV has GStreamer")
    with pytest.raises(SetupError, match="built without GStreamer"):
        camera.open()


def test_a_page_that_is_no_video_is_told_as_such(mjpeg: str) -> None:
    assert "decoded as video" in error_of(Camera(url=f"{mjpeg}/index.html"))
    assert "knows no such stream" in error_of(Camera(url=f"{mjpeg}/missing"))


def test_a_stopping_flow_ends_a_camera_without_an_error(mjpeg: str) -> None:
    camera, stopping = Camera(url=f"{mjpeg}/video.mjpg"), threading.Event()
    camera.place("gate", stopping)
    camera.open()
    messages = camera.process()
    next(messages)
    stopping.set()
    assert len(list(messages)) <= 4


def test_a_device_that_is_not_there_is_named() -> None:
    assert "/dev/video97 is not there" in error_of(Camera(url=97))
    assert "/dev/video97 is not there" in error_of(Camera(url="/dev/video97"))


def test_a_video_file_in_place_of_a_camera_is_read_wholly(video_file: Callable[..., Path], tmp_path: Path) -> None:
    camera = Camera(url=str(video_file("gate.mp4", frames=12)))
    assert not camera.is_live()
    assert [frame.source for frame in feed(camera) if isinstance(frame, Frame)] == ["gate.mp4"] * 12
    with pytest.raises(SetupError, match=r"nowhere\.mp4 does not exist"):
        feed(Camera(url=str(tmp_path / "nowhere.mp4")))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://admin:pw@10.0.0.5:554/main", "rtsp://10.0.0.5:554/main"),
        ("rtsp://admin:p%40w@10.0.0.5/main", "rtsp://10.0.0.5/main"),
        ("http://10.0.0.5/video.cgi?user=admin&pwd=pw", "http://10.0.0.5/video.cgi"),
        ("rtsp://10.0.0.5:554/user=admin_password=pw_channel=1", "rtsp://10.0.0.5:554/..."),
        (0, "/dev/video0"),
        ("/dev/video2", "/dev/video2"),
        ("clip.mp4", "clip.mp4"),
    ],
)
def test_no_way_of_showing_a_camera_shows_its_password(url: str | int, shown: str) -> None:
    camera = Camera(url=url)
    assert str(camera.url) == shown
    for text in (repr(camera), str(camera), f"{camera.url}", camera.model_dump_json(), repr(camera.model_dump())):
        assert shown in text
        assert "pw" not in text.replace("password", "")


def test_cameras_with_different_passwords_are_different_settings() -> None:
    one, other = (Camera(url=f"rtsp://admin:{word}@10.0.0.5/") for word in ("a", "b"))
    assert one.url != other.url
    assert one.url == Camera(url="rtsp://admin:a@10.0.0.5/").url


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://a:pw/x@10.0.0.5/main",
        "rtsp://a:pw#x@10.0.0.5/",
        "rtps://a:pw@10.0.0.5/",
        "rtsp://",
        "",
        " ",
        -1,
        True,
        None,
    ],
)
def test_an_unsound_address_is_refused_without_repeating_it(url: object) -> None:
    with pytest.raises(ValidationError) as caught:
        Camera(url=url)
    assert "pw" not in str(caught.value)


def test_a_password_needs_a_user_and_a_missing_one_is_told_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError, match="needs a `user`"):
        Camera(url="rtsp://10.0.0.5/", password="env:GATE_PASSWORD")
    monkeypatch.delenv("GATE_PASSWORD", raising=False)
    with pytest.raises(SetupError, match="GATE_PASSWORD is not set"):
        Camera(url="rtsp://10.0.0.5/", user="admin", password="env:GATE_PASSWORD").open()


def test_credentials_of_the_settings_replace_those_of_the_url() -> None:
    address = Address("rtsp://old:word@10.0.0.5:554/main?x=1")
    assert address.reveal("new", "a/b@c") == "rtsp://new:a%2Fb%40c@10.0.0.5:554/main?x=1"
    assert address.reveal() == "rtsp://old:word@10.0.0.5:554/main?x=1"
