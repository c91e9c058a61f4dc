"""Video through PyAV: recordings read wholly, each frame with its own time; and how decoded frames become pictures.

Pictures are uint8, (height, width, 3), BGR, contiguous, turned the way the file says that it is to be shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from flowalpr import Fault, Frame, SetupError, Stamp

Picture = NDArray[np.uint8]
EARLIEST_YEAR = 1990
"""Cameras without a clock write 1904 or 1970, the zero of their file format, as the time of recording."""
TEXT_FORMATS = {"tty", "bintext", "xbin", "idf", "adf"}
"""FFmpeg paints a text file as a video of its words; nobody who names one means that."""
PACE_WITHOUT_TIMES = 25
"""Frames a second where neither the frames nor the file state a time (a bare H.264 stream)."""


class Shot(NamedTuple):
    """One picture of a recording and the seconds from the recording's first picture to it."""

    image: Picture
    seconds: float


class Recording:
    """A video file, opened and found to hold at least one picture."""

    def __init__(self, path: Path) -> None:
        """Open a file and decode its first picture.

        Raises:
            SetupError: there is no such file, or it holds no video that can be decoded.
        """
        if not path.is_file():
            kind = "is a folder, not a video file" if path.is_dir() else "does not exist"
            raise SetupError(f"the video {path} {kind}", "check the path; relative paths start where flowalpr runs")
        self.name = path.name
        self.damaged = 0
        """Packets so far that could not be decoded."""
        self._reached = 0.0
        self._shown = 0
        try:
            # An absolute path, for FFmpeg takes `12:30.mp4` for a network protocol named 12.
            self._container = av.open(str(path.resolve()), timeout=60)
        except (av.FFmpegError, OSError) as error:
            raise _unreadable(path, str(getattr(error, "strerror", error))) from None
        if not self._container.streams.video or self._container.format.name in TEXT_FORMATS:
            self.close()
            raise _unreadable(path, "there is no video in it")
        self._stream = self._container.streams.video[0]
        # Decoding stays in one thread (PyAV's default): with several, an undecodable packet costs its neighbours too.
        self._shots = self._decoded()
        first = next(self._shots, None)
        if first is None:
            self.close()
            raise _unreadable(path, "not one picture of it can be decoded")
        self._shots = chain([first], self._shots)
        written = datetime.fromtimestamp(path.stat().st_mtime, timezone.utc)
        self.begun = _creation_time(self._container.metadata) or written
        """When the first picture was taken (UTC), as the file says, else when the file was last written."""

    def __iter__(self) -> Iterator[Shot]:
        return self._shots

    def frames(self, camera: str, starts: datetime) -> Iterator[Frame | Fault]:
        """All frames with their times, and last of all a Fault if the file is not whole."""
        for number, shot in enumerate(self):
            self._shown = number + 1
            time = starts + timedelta(seconds=shot.seconds)
            yield Frame(shot.image, Stamp(camera, time, number), source=self.name)
        problem = self.problem()
        if problem:
            yield Fault(error=problem, source=self.name)

    def problem(self) -> str:
        """What is wrong with a file that was read to its end: what is missing, what is damaged; empty if nothing."""
        announced = (self._container.duration or 0) / av.time_base
        found = []
        # The last second may lack rightly: a muxer rounds, and an edit list trims.
        if announced - self._reached > min(1.0, announced / 10):
            found.append(f"{self._reached:.1f} of the {announced:.1f} s that it announces are there")
        if self.damaged:
            found.append(f"{self.damaged} of its packets cannot be decoded")
        return (
            f"the video {self.name} is not whole: {'; '.join([*found, f'{self._shown} frames were read'])}"
            if found
            else ""
        )

    def close(self) -> None:
        """Release the file."""
        self._container.close()

    def _decoded(self) -> Iterator[Shot]:
        painter = Painter()
        first: float | None = None
        number = 0
        for packet in self._packets():
            if packet.stream is not self._stream:
                continue
            self.damaged += packet.is_corrupt
            try:
                frames = packet.decode()
            except av.InvalidDataError:
                self.damaged += not packet.is_corrupt
                continue
            for frame in frames:
                time = frame.time if frame.time is not None else number / self._pace()
                first = time if first is None else first
                number += 1
                yield Shot(painter.picture(frame), max(0.0, time - first))

    def _packets(self) -> Iterator[av.Packet[Any]]:  # Any: streams of all kinds
        """The packets of all streams, for sound may outlast the pictures; the end of a cut file is an end."""
        start = (self._container.start_time or 0) / av.time_base
        try:
            for packet in self._container.demux():
                if packet.pts is not None and packet.time_base is not None:
                    end = float((packet.pts + (packet.duration or 0)) * packet.time_base) - start
                    self._reached = max(self._reached, end)
                yield packet
        except av.FFmpegError:
            self.damaged += 1

    def _pace(self) -> float:
        return float(self._stream.average_rate or PACE_WITHOUT_TIMES)


class Painter:
    """Turns decoded frames into pictures, whatever their size and pixel format, which may change at any time."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()  # It keeps its tables; a new one for each frame costs a millisecond.

    def picture(self, frame: av.VideoFrame) -> Picture:
        """The frame's picture, upright."""
        image = self._reformatter.reformat(frame, format="bgr24").to_ndarray()
        quarter_turns = round(frame.rotation / 90) % 4
        return np.ascontiguousarray(np.rot90(image, quarter_turns), dtype=np.uint8)


def _creation_time(metadata: dict[str, str]) -> datetime | None:
    try:
        time = datetime.fromisoformat(metadata.get("creation_time", "").replace("Z", "+00:00"))
    except ValueError:
        return None
    aware = time if time.tzinfo else time.replace(tzinfo=timezone.utc)
    return aware.astimezone(timezone.utc) if aware.year >= EARLIEST_YEAR else None


def _unreadable(path: Path, why: str) -> SetupError:
    return SetupError(
        f"the file {path} cannot be read as a video: {why}",
        "check that it is whole and plays in a video player",
    )
