"""Passes on so many messages and no more in any stretch of time."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta, timezone
from typing import Annotated, TypeVar

from pydantic import Field, PrivateAttr

from flowalpr import Duration, Message, Node, stamp_of

M = TypeVar("M", bound=Message)


class RateLimit(Node):
    """Pass on at most `at_most` messages of each camera in any stretch of `per`; drop the others.

    Time is that of the messages, so a recording gives the same result at any speed. The times of the last `at_most`
    messages are remembered for each camera, and forgotten if its clock is set back.
    """

    at_most: Annotated[int, Field(ge=1, le=100_000)] = 10
    """How many messages may pass."""
    per: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(minutes=1)
    """In which time."""

    _passed: dict[str, deque[datetime]] = PrivateAttr(default_factory=dict)

    def process(self, message: M) -> M | None:
        stamp = stamp_of(message)
        camera, time = (stamp.camera, stamp.time) if stamp else ("", datetime.now(timezone.utc))
        passed = self._passed.setdefault(camera, deque(maxlen=self.at_most))
        if passed and time < passed[-1]:
            passed.clear()  # Else a clock set back by an hour would silence the camera for that hour.
        if len(passed) == self.at_most and time - passed[0] < self.per:
            return None
        passed.append(time)
        return message
