"""A source that beats."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from time import monotonic
from typing import Annotated

from pydantic import Field

from flowalpr import Duration, Node, Stamp, Tick, now


class Timer(Node):
    """Give a tick at once and then one after every stretch of time, without drift.

    Beats that pass while the flow is busy are left out, not made up for.
    """

    every: Annotated[Duration, Field(gt=timedelta(0))]
    """From one tick to the next."""
    count: Annotated[int, Field(ge=1)] | None = None
    """How many ticks there are before the source ends; without it, it never ends."""

    def is_live(self) -> bool:
        return True

    def process(self) -> Iterator[Tick]:
        every = self.every.total_seconds()
        begun = monotonic()
        for number in count() if self.count is None else range(self.count):
            yield Tick(Stamp(self.name, now(), number))
            missed = (monotonic() - begun) // every
            if number + 1 != self.count and self.wait(begun + (missed + 1) * every - monotonic()):
                return
