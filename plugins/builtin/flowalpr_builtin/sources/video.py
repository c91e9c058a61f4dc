"""A video file as a source of frames."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from pydantic import AwareDatetime, model_validator

from flowalpr import Fault, Frame, Node

if TYPE_CHECKING:
    from flowalpr_builtin.sources.decoding import Recording


class Video(Node):
    """Give every frame of a video file, each with the time at which it was taken.

    The first frame's time is the file's own creation time, or, where it has none, the time of its last change. A
    file that was cut gives the frames that are there, then an error that says how much is missing.
    """

    path: str
    """The video file: MP4, MKV, AVI, MOV or whatever else FFmpeg reads."""
    realtime: bool = False
    """Play it as fast as it was taken, as a camera would: times are those of now, and frames that nobody is ready
    for are dropped. Otherwise the file is read as fast as the flow can take it, and no frame is lost."""
    starts: AwareDatetime | None = None
    """When the first frame was taken, with its zone (`"2026-05-01T12:00:00+02:00"`), if the file has it wrong."""
    _recording: Recording | None = None

    @model_validator(mode="after")
    def _has_one_time(self) -> Video:
        if self.realtime and self.starts:
            raise ValueError("`starts` has no meaning with `realtime`, whose times are those of now")
        return self

    def is_live(self) -> bool:
        return self.realtime

    def open(self) -> None:
        from flowalpr_builtin.sources.decoding import Recording

        self._recording = Recording(Path(self.path).expanduser())

    def process(self) -> Iterator[Frame | Fault]:
        assert self._recording, "open comes first"  # noqa: S101
        begun = monotonic()
        starts = datetime.now(timezone.utc) if self.realtime else (self.starts or self._recording.begun)
        for message in self._recording.frames(self.name, starts):
            if self.realtime and isinstance(message, Frame):
                seconds = (message.stamp.time - starts).total_seconds()
                if self.wait(begun + seconds - monotonic()):
                    return
            yield message

    def close(self) -> None:
        if self._recording:
            self._recording.close()
            self._recording = None
