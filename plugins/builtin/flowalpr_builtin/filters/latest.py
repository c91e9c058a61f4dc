"""Passes on a picture when something asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated

from pydantic import Field, PrivateAttr

from flowalpr import Duration, Frame, Node, Tick


class Latest(Node):
    """Pass on the latest frame of a camera when a tick comes, and no other frame.

    Wire in cameras and what triggers them (`timer`, `mqtt_trigger`). A tick that bears the name of one of the cameras
    is for that one, any other for all of them. Of each camera one frame is held.
    """

    age: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=2)
    """A frame that is older than this when the tick comes is not given: the camera has fallen silent."""

    _frames: dict[str, Frame] = PrivateAttr(default_factory=dict)

    def process(self, message: Frame | Tick) -> Iterator[Frame]:
        if isinstance(message, Frame):
            self._frames[message.stamp.camera] = message
            return
        asked = message.stamp.camera
        for frame in [self._frames[asked]] if asked in self._frames else list(self._frames.values()):
            if message.stamp.time - frame.stamp.time <= self.age:
                yield frame
