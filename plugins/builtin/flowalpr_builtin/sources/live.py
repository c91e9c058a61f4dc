"""The streams of network cameras through PyAV, each picture with the time at which it was taken."""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

import av
from av.codec.hwaccel import HWAccel, hwdevices_available

from flowalpr_builtin.sources.capture import CaptureTimes

INVENTED = {"mpjpeg", "mjpeg", "h264", "hevc"}
"""Formats without times: FFmpeg counts 25 pictures a second, however fast they come."""
HARDWARE = {"cuda": "/dev/nvidiactl", "vaapi": "/dev/dri/renderD128"}
"""What decodes without being named, where this file is there; the first wins."""
ON_TIME, TOO_LATE = 0.5, 2.0
"""Seconds later than the fastest: beyond the second, what piles up is not even decoded, until it is below the first."""
AT_ONCE = 0.002
"""Seconds. What must still come takes longer."""
log = logging.getLogger(__name__)


class LiveShot(NamedTuple):
    """One decoded picture; times in seconds."""

    frame: av.VideoFrame
    seconds: float
    """Since the first picture, by the stream."""
    arrived: float
    """By this computer's steady clock."""
    taken: float
    """The same, see `CaptureTimes`; where the stream has no times, when it arrived."""
    clock: float | None
    """When it was taken by the camera's own clock, since 1970, if the camera tells (RTCP sender reports)."""
    piled: bool
    """Whether it lay there already when it was asked for."""


class LiveStream:
    """The pictures of a network camera as they arrive, with a limit to every wait.

    Its errors are FFmpeg's, whose texts repeat the URL and with it a password: none may be shown as it is.
    """

    def __init__(
        self, url: str, options: dict[str, str], limits: tuple[float, float], decoder: str = "software"
    ) -> None:
        """Connect, within the first limit of seconds; the first picture may take as long, each later one the second.

        Raises:
            av.FFmpegError, OSError, NoVideoError: it cannot be reached, or what it sends is no video.
        """
        self._connect, self._stall = limits
        begun = monotonic()
        try:
            self._container = av.open(url, options=options, timeout=limits, hwaccel=accelerated(decoder))
        except av.InvalidDataError:
            if monotonic() - begun >= self._connect:  # FFmpeg's RTSP client gives no other word for a silent camera.
                raise TimeoutError from None
            raise
        # PyAV has no context for a stream whose codec FFmpeg does not know.
        if not self._container.streams.video or self._container.streams.video[0].codec_context is None:
            self.close()
            raise NoVideoError
        self._stream = self._container.streams.video[0]
        self._has_times = self._container.format.name not in INVENTED
        self._duration = (self._container.duration or 0) / av.time_base
        self._clock_ahead: float | None = None
        """How far the camera's clock is ahead of the times in the stream."""
        self._seen = 0.0
        self._catching_up = False
        self.left_out = 0
        """Packets that were not decoded, because the computer was behind."""

    @property
    def decoder(self) -> str:
        """Codec and what decodes it: `h264, software`."""
        context = self._stream.codec_context
        hardware = "hardware" if context.is_hwaccel else "software"
        return f"{context.codec.canonical_name}, {hardware}"

    @property
    def is_recording(self) -> bool:
        """Whether it is a file behind an address: it has an end, and may come as fast as the network can."""
        return self._duration > 0

    @property
    def has_ended(self) -> bool:
        """Whether it is a recording of which no more than the last second is still to come."""
        return self.is_recording and self._duration - self._seen < 1.0

    def __iter__(self) -> Iterator[LiveShot]:
        times = CaptureTimes()
        first: float | None = None
        latest, limit = monotonic(), self._connect
        asked = latest
        for packet in self._container.demux(self._stream):
            piled = monotonic() - asked < AT_ONCE
            self._hear_clock(packet)
            if self._is_to_be_left_out(packet, times, piled):
                latest = asked = monotonic()
                continue
            try:
                frames = packet.decode()
            except av.InvalidDataError:
                frames = []  # A lost packet spoils a picture or two; if none comes any more, the limit tells.
            for frame in frames:
                arrived = monotonic()
                own = frame.time
                first = own if first is None else first
                self._seen = max(0.0, (own or 0.0) - (first or 0.0))
                taken = times.taken(arrived, own) if own is not None and self._has_times else arrived
                clock = None if own is None or self._clock_ahead is None else own + self._clock_ahead
                yield LiveShot(frame, self._seen, arrived, taken, clock, piled)
                latest, limit = monotonic(), self._stall
            if monotonic() - latest > limit:
                raise TimeoutError if first is not None else NoVideoError  # It sends, but nothing that can be decoded.
            asked = monotonic()

    def close(self) -> None:
        """Hang up."""
        self._container.close()

    def _is_to_be_left_out(self, packet: av.Packet[Any], times: CaptureTimes, piled: bool) -> bool:
        """Whether a packet is not even decoded, for more pile up than this computer can decode.

        From then on only key pictures are, until one is on time: what comes after another picture needs it.
        """
        if packet.pts is None or not self._has_times or self.is_recording:
            return False
        late = times.late(monotonic(), float(packet.pts * packet.time_base))
        if packet.is_keyframe:
            self._catching_up = piled and late > (ON_TIME if self._catching_up else TOO_LATE)
            return False
        self._catching_up = self._catching_up or (piled and late > TOO_LATE)
        self.left_out += self._catching_up
        return self._catching_up

    def _hear_clock(self, packet: av.Packet[Any]) -> None:  # Any: streams of all kinds
        """Take note of the camera's clock: FFmpeg lays it beside packets, as AVProducerReferenceTime."""
        if packet.pts is None or not packet.has_sidedata("prft"):
            return
        (microseconds,) = struct.unpack_from("<q", bytes(packet.get_sidedata("prft")))
        self._clock_ahead = microseconds / 1e6 - float(packet.pts * packet.time_base)


class NoVideoError(ValueError):
    """A stream without pictures."""


def accelerated(decoder: str) -> HWAccel | None:
    """What decodes in hardware as wanted (`auto`: if this computer has it), or None for software; a failure is said."""
    if decoder == "software":
        return None
    known = hwdevices_available()
    found = [name for name, device in HARDWARE.items() if name in known and Path(device).exists()]
    kind = decoder if decoder != "auto" else next(iter(found), "")
    if not kind:
        return None
    try:
        if kind not in known:
            raise ValueError(f"this build of PyAV knows only {', '.join(known) or 'none'}")
        # Tried here, where it costs no connection; a codec that it lacks is decoded in software later on.
        HWAccel(kind).create(av.Codec("h264", "r"))
    except (av.FFmpegError, OSError, ValueError, RuntimeError, NotImplementedError) as error:
        log.warning("%s cannot decode video here (%s); it is decoded in software", kind, error)
        return None
    return HWAccel(kind, allow_software_fallback=True)
