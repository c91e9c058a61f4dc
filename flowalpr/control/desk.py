"""What the routes share: the flow, and the streams out of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from flowalpr.control.journal import Journal
from flowalpr.control.streams import Feed

if TYPE_CHECKING:
    from flowalpr.control.flow import RunningFlow

EVERY = 0.25
"""Seconds between two snapshots of a stream."""
HISTORY_EVERY = 4
"""Of these beats, how many make a second of history."""


class Desk:
    """What the routes share: the flow, and the streams out of it. Made in the door's thread."""

    def __init__(self, flow: RunningFlow) -> None:
        self.flow = flow
        self.snapshots = Feed()
        self.reads = Feed()
        self.lines = Feed()
        self.journal = Journal(flow.name)

    def end_streams(self) -> None:
        """Tell all who follow that there is nothing more to come."""
        for feed in (self.snapshots, self.reads, self.lines):
            feed.end()

    async def beat(self) -> None:
        """Four times a second a snapshot for those who look on; once a second a line of history."""
        count = 0
        while True:
            if len(self.snapshots):
                self.snapshots.tell_here(self.flow.snapshot().model_dump_json())
            if count % HISTORY_EVERY == 0:
                self.flow.keep_history()
            count += 1
            await asyncio.sleep(EVERY)
