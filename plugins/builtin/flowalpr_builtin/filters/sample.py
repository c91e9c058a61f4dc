"""Passes on every n-th message, or one in each stretch of time."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Annotated, TypeVar

from pydantic import Field, PrivateAttr

from flowalpr import Duration, Message, Node, stamp_of

M = TypeVar("M", bound=Message)


class Sample(Node):
    """Pass on the first of every so many messages of each camera, or the first in each stretch of time.

    Put it behind a source to save work: `every: 3` for a third of the frames, `every: 500 ms` for two a second
    whatever the camera gives. Time is that of the messages. One number is remembered for each camera.
    """

    every: Annotated[int, Field(ge=1)] | Annotated[Duration, Field(gt=timedelta(0))]
    """A number of messages (`5`) or a stretch of time (`500 ms`)."""

    _seen: dict[str, int] = PrivateAttr(default_factory=dict)
    _next: dict[str, datetime] = PrivateAttr(default_factory=dict)

    def process(self, message: M) -> M | None:
        stamp = stamp_of(message)
        camera, time = (stamp.camera, stamp.time) if stamp else ("", datetime.now(timezone.utc))
        every = self.every
        is_first = self._by_count(camera, every) if isinstance(every, int) else self._by_time(camera, time, every)
        return message if is_first else None

    def _by_count(self, camera: str, every: int) -> bool:
        seen = self._seen.get(camera, 0)
        self._seen[camera] = (seen + 1) % every
        return seen == 0

    def _by_time(self, camera: str, time: datetime, every: timedelta) -> bool:
        due = self._next.get(camera, time)
        if time < due and due - time <= every:  # Further ahead, the camera's clock was set back.
            return False
        late = (time - due) % every if time >= due else timedelta(0)
        self._next[camera] = time - late + every  # On the grid of the first message, so that the rate does not sag.
        return True
