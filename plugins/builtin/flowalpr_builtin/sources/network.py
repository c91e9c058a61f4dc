"""Pictures of a network camera: connected, timed, laid beside those of its main stream, and its troubles in words."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

import av

from flowalpr import Full, now
from flowalpr_builtin.sources.capture import Taken
from flowalpr_builtin.sources.decoding import Painter, Picture
from flowalpr_builtin.sources.live import LiveShot, LiveStream, NoVideoError
from flowalpr_builtin.sources.pair import MainStream, paired
from flowalpr_builtin.sources.trouble import BROKE_OFF, CONNECT_SECONDS, Door, explained

if TYPE_CHECKING:
    from flowalpr_builtin.sources.camera import Camera

# Some cameras announce neither rate nor size; FFmpeg would watch the stream for 5 s to find out.
# (Not `fflags=nobuffer`: that throws away what was watched, and with it the first key picture.)
SHORT_PROBE = {"analyzeduration": "1000000", "fpsprobesize": "0"}
WRONG_CLOCK = 10.0
"""Seconds that a camera's clock may differ from this computer's before it is no longer believed."""
LATE = 0.5
"""Seconds later than others that a picture may come; of those that pile up still longer, one in that time is given."""
log = logging.getLogger(__name__)


class NetworkCamera:
    """One connection to a camera, or two; it tells of itself through the notes and tallies of its node."""

    def __init__(self, node: Camera, user: str, password: str) -> None:
        self._node = node
        self._login = user, password
        self._stall = node.stall.total_seconds()
        self._limits = (CONNECT_SECONDS, self._stall)
        self._coming = False
        self._believed = node.clock == "camera"
        main = node.main
        self._main = (
            MainStream(partial(self._connect, main.reveal(user, password)), Door(main.reveal()), self._main_trouble)
            if main
            else None
        )

    @property
    def main_away(self) -> str:
        """Why there is no picture of the main stream at the moment; empty if there is, or if none is wanted."""
        return self._main.away if self._main else ""

    def pictures(self, door: Door) -> Iterator[Taken]:
        """The pictures as they come; if the camera is not to be reached, `door` is told that it is shut.

        Raises:
            ConnectionError: it cannot be reached, sends no video, fell silent or broke off.
        """
        problem = BROKE_OFF
        try:
            stream = self._connect(self._node.address.reveal(*self._login))
            try:
                yield from self._received(stream)
            finally:
                stream.close()
            if stream.has_ended:
                return
        except (av.FFmpegError, OSError, NoVideoError) as error:
            problem = explained(error, self._coming, self._stall)
            if isinstance(error, ConnectionRefusedError):
                door.shut()
        if not self._node.wait(0):
            # Raised out here, where FFmpeg's error is no longer at hand: its text repeats the URL with the password.
            raise ConnectionError(f"{self._node.address} {problem}")

    def _received(self, stream: LiveStream) -> Iterator[Taken]:
        if self._main is None:
            self._node.note("decoder", stream.decoder)
            painter = Painter()
            for shot in self._paced(stream):
                yield Taken(painter.picture(shot.frame), self._time(shot))
            return
        self._main.start()
        try:
            yield from self._beside(self._main, stream)
        finally:
            self._main.stop()

    def _beside(self, main: MainStream, stream: LiveStream) -> Iterator[Taken]:
        painter = Painter()
        for shot, twin in paired(self._paced(stream), main, self._node.tolerance.total_seconds()):
            self._node.note("decoder", f"{stream.decoder}; main stream: {main.decoder or 'not there yet'}")
            image = painter.picture(shot.frame)
            if twin is None:
                self._node.tally("frames without the main stream's picture")
            yield Taken(image, self._time(shot), _full(twin, image) if twin else None)

    def _connect(self, url: str) -> LiveStream:
        options = {**SHORT_PROBE, "timeout": str(round(max(self._limits) * 1e6))}
        if url.lower().startswith("rtsp"):
            options["rtsp_transport"] = self._node.transport
        return LiveStream(url, options, self._limits, self._node.decoder)

    def _paced(self, stream: LiveStream) -> Iterator[LiveShot]:
        """The pictures as they come, those of a recording behind the address no faster than they were taken."""
        begun = given = monotonic()
        for shot in stream:
            self._coming = True
            if stream.left_out:
                self._node.tally("late frames left out", stream.left_out)
                stream.left_out = 0
            if stream.is_recording:
                if self._node.wait(begun + shot.seconds - monotonic()):
                    return
            elif shot.piled and shot.arrived - shot.taken > LATE and shot.arrived - given < LATE:
                self._node.tally("late frames left out")  # Only so is the computer ever on time again.
                continue
            given = shot.arrived
            yield shot

    def _time(self, shot: LiveShot) -> datetime:
        ours = now() - timedelta(seconds=monotonic() - shot.taken)
        if not self._believed or shot.clock is None:
            return ours
        ahead = shot.clock - ours.timestamp()
        if abs(ahead) > WRONG_CLOCK:
            self._believed = False
            log.warning("%s: the camera's clock is %.0f s off, so it is not believed", self._node.name, ahead)
            return ours
        return datetime.fromtimestamp(shot.clock, timezone.utc)

    def _main_trouble(self, error: Exception, coming: bool) -> str:
        return explained(error, coming, self._stall)


def _full(twin: LiveShot, image: Picture) -> Full:
    width, height = twin.frame.width, twin.frame.height
    if round(twin.frame.rotation / 90) % 2:
        width, height = height, width
    return Full(partial(_painted, twin), (width / image.shape[1], height / image.shape[0]))


def _painted(shot: LiveShot) -> Picture:
    return Painter().picture(shot.frame)
