"""Live sources for tests that look at a running flow: they go on until the flow stops."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from datetime import datetime, timezone

from pydantic import PrivateAttr

from flowalpr import Frame, Node, Passage, Secret, Stamp
from flowalpr.testing import passage, plate_frame

PLATE = "KX77ABC"


class LiveFrames(Node):
    """A camera that gives the same picture again and again, with the present time."""

    every: float = 0.02
    user: str = "someone"
    password: Secret | None = None
    _opened: int = 0

    def open(self) -> None:
        self._opened += 1

    def is_live(self) -> bool:
        return True

    def opened(self) -> int:
        return self._opened

    def process(self) -> Iterator[Frame]:
        picture = plate_frame(camera=self.name)
        number = 0
        while not self.wait(self.every):
            yield dataclasses.replace(picture, stamp=Stamp(self.name, datetime.now(timezone.utc), number))
            number += 1


class LiveReads(Node):
    """Passages of cars that come when they are sent."""

    _wanted: threading.Semaphore = PrivateAttr(default_factory=lambda: threading.Semaphore(0))
    _sent: int = 0

    def is_live(self) -> bool:
        return True

    def send(self, count: int = 1) -> None:
        self._wanted.release(count)

    def process(self) -> Iterator[Passage]:
        while not self.wait(0):
            if self._wanted.acquire(timeout=0.02):
                self._sent += 1
                yield passage(PLATE, camera=self.name, at=float(self._sent))
