"""A camera as a source of frames: in the network, at this machine, or a video file in its place."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from flowalpr import Duration, Fault, Frame, Node, Secret, Stamp
from flowalpr_builtin.sources.address import Address

if TYPE_CHECKING:
    from flowalpr_builtin.sources.decoding import LiveStream, Picture, Recording

CONNECT_SECONDS = 15.0
"""For the connection and again for its first picture, which many cameras send only some seconds later."""
# Some cameras announce neither rate nor size; FFmpeg would watch the stream for 5 s to find out.
# (Not `fflags=nobuffer`: that throws away what was watched, and with it the first key picture.)
SHORT_PROBE = {"analyzeduration": "1000000", "fpsprobesize": "0"}


class Camera(Node):
    """Give the pictures of a camera as they come, each with the time at which it came.

    A camera that cannot be reached or falls silent is an error, after which the flow tries it again and again.
    Password and user in the URL are never shown; better still, keep them out of the flow file with `user` and
    `password`.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    url: Address
    """`rtsp://` or `http://` (MJPEG) of a network camera, the number of a camera at this machine (`0`,
    `/dev/video0`), or a video file, which is read from end to end as by the node `video`."""
    user: str = ""
    """The camera's user, if the URL does not say it."""
    password: Secret | None = None
    """Where the password of `user` is found: `env:GATE_PASSWORD` or `file:PATH`."""
    transport: Literal["tcp", "udp"] = "tcp"
    """How RTSP brings the pictures; with UDP, lost packets spoil some of them."""
    stall: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=5)
    """For how long there may be no new picture before the connection counts as failed."""
    _recording: Recording | None = None
    _number: int = 0
    _coming: bool = False

    @model_validator(mode="after")
    def _has_user_for_password(self) -> Camera:
        if self.password and not self.user:
            raise ValueError("`password` needs a `user`")
        if self.user and not self.url.is_network:
            raise ValueError("`user` is for cameras in the network")
        return self

    def is_live(self) -> bool:
        return self.url.is_live

    def open(self) -> None:
        self._coming = False
        # A live camera is reached in `process` only: one that is switched off must not keep the flow from starting.
        if self.password:
            self.password.reveal()  # A missing one is known at once.
        if not self.url.is_live:
            from flowalpr_builtin.sources.decoding import Recording

            self._recording = Recording(Path(self.url.reveal()).expanduser())

    def process(self) -> Iterator[Frame | Fault]:
        if self._recording:
            yield from self._recording.frames(self.name, self._recording.begun)
            return
        for image in self._device_pictures() if self.url.device else self._network_pictures():
            self._coming = True
            stamp = Stamp(self.name, datetime.now(timezone.utc), self._number)
            self._number += 1  # It goes on after a reconnection, so that no two frames have one number.
            yield Frame(image, stamp)

    def close(self) -> None:
        if self._recording:
            self._recording.close()
            self._recording = None

    def _network_pictures(self) -> Iterator[Picture]:
        import av

        from flowalpr_builtin.sources.decoding import NoVideoError

        problem = "broke off the stream: is it restarting?"
        try:
            stream = self._connect()
            try:
                yield from self._paced(stream)
            finally:
                stream.close()
            if stream.has_ended:
                return
        except (av.FFmpegError, OSError, NoVideoError) as error:
            problem = self._explained(error)
        if self.wait(0):
            return
        # Raised out here, where FFmpeg's error is no longer at hand: its text repeats the URL with the password.
        raise ConnectionError(f"camera {self.name} at {self.url} {problem}")

    def _connect(self) -> LiveStream:
        from flowalpr_builtin.sources.decoding import LiveStream

        stall = self.stall.total_seconds()
        url = self.url.reveal(self.user, self.password.reveal() if self.password else "")
        options = {**SHORT_PROBE, "timeout": str(round(max(CONNECT_SECONDS, stall) * 1e6))}
        if url.lower().startswith("rtsp"):
            options["rtsp_transport"] = self.transport
        return LiveStream(url, options, CONNECT_SECONDS, stall)

    def _paced(self, stream: LiveStream) -> Iterator[Picture]:
        """The pictures as they come, those of a recording behind the address no faster than they were taken."""
        begun = monotonic()
        for image, seconds in stream:
            if stream.is_recording and self.wait(begun + seconds - monotonic()):
                return
            yield image

    def _device_pictures(self) -> Iterator[Picture]:
        """Through OpenCV, for FFmpeg has no limit to its wait for a device that hangs."""
        import cv2
        import numpy as np

        where = f"camera {self.name} at {self.url}"
        if not Path(self.url.device).exists():
            raise ConnectionError(f"{where} is not there: is it plugged in? `ls /dev/video*` shows those that are")
        capture = cv2.VideoCapture(self.url.device, cv2.CAP_V4L2)
        try:
            if not capture.isOpened():
                raise ConnectionError(
                    f"{where} cannot be opened: is another program using it, is this user in the group `video`?"
                )
            latest = monotonic()
            while not self.wait(0):
                came, image = capture.read()
                if came:
                    latest = monotonic()
                    yield np.asarray(image, dtype=np.uint8)
                elif monotonic() - latest > self.stall.total_seconds():
                    raise ConnectionError(f"{where} gave no picture for {self.stall.total_seconds():g} s")
        finally:
            capture.release()

    def _explained(self, error: Exception) -> str:
        """What went wrong and what to check, without the words of the error, which may hold the password."""
        import av

        from flowalpr_builtin.sources.decoding import NoVideoError

        if isinstance(error, (av.HTTPUnauthorizedError, av.HTTPForbiddenError)):
            return "refuses the user or the password: check both"
        if isinstance(error, av.HTTPNotFoundError):
            return "knows no such stream: check the path of the URL in the camera's manual"
        if isinstance(error, av.HTTPError):
            return "answers with an error: check scheme, port and path of the URL"
        if isinstance(error, ConnectionRefusedError):
            return "refuses the connection: check the port, and that the camera's RTSP or HTTP service is on"
        if isinstance(error, (av.ExitError, TimeoutError)):
            return self._silence()
        if isinstance(error, (av.InvalidDataError, NoVideoError)):
            return "sends nothing that can be decoded as video: check the path of the URL and the camera's codec"
        if self._coming:
            return "broke off the stream: is it restarting?"
        return "cannot be reached or sends nothing: check host, port and path of the URL, and that the camera is on"

    def _silence(self) -> str:
        if self._coming:
            return f"gave no picture for {self.stall.total_seconds():g} s: check the camera and the network"
        return f"does not answer within {CONNECT_SECONDS:g} s: check the address, and that the camera is on"
