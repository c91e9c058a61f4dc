"""Follows a running flow: snapshots, reads, alerts and log as they come, and what the open page asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, suppress
from time import monotonic
from typing import Any, TypeVar

from flowalpr.errors import FlowalprError
from flowalpr.tui.door import Door
from flowalpr.tui.seen import Seen, View
from flowalpr.tui.words import lasted

AGAIN_AFTER = 1.0
"""Seconds until a flow that is gone is looked for again."""
ALERTS_EVERY, DETAILS_EVERY, PICTURE_EVERY = 2.0, 2.0, 0.5
PICTURE_WIDTH = 480
"""Pixels; a terminal of 240 columns shows no more."""

PICTURES_KEPT = 20

Answer = TypeVar("Answer")
Reach = Callable[[], Awaitable[AbstractAsyncContextManager[Door]]]
"""Finds the flow; raises `FlowalprError` while it is not there."""


class Feed:
    """Keeps `seen` up to date for as long as the monitor runs, over the flow's end and its return."""

    def __init__(self, reach: Reach, seen: Seen, view: View, told: Callable[[], None]) -> None:
        """`told` is called whenever there is something new to see."""
        self.door: Door | None = None
        """The way to the flow; None while it is not there."""
        self._reach = reach
        self._seen = seen
        self._view = view
        self._told = told
        self._turned = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled."""
        gone_since = monotonic()
        while True:
            try:
                async with await self._reach() as door:
                    self.door = door
                    await self._follow(door)
            except FlowalprError as error:
                if self.door is not None:
                    gone_since = monotonic()
                self._say(str(error), gone_since)
            finally:
                self.door = None
            await asyncio.sleep(AGAIN_AFTER)

    def _say(self, why: str, gone_since: float) -> None:
        if self._seen.now is None:
            self._seen.trouble = why
        else:
            self._seen.trouble = (
                f"the flow is gone for {lasted(round(monotonic() - gone_since))}, waiting for its return"
            )
        self._told()

    async def _follow(self, door: Door) -> None:
        """Until one of the streams breaks, which then ends the others."""
        jobs: list[Coroutine[Any, Any, None]] = [self._snapshots(door)]  # Any: as `Coroutine` has it
        jobs += [_if_told(job(door)) for job in (self._reads, self._log, self._alerts, self._subject)]
        tasks = [asyncio.ensure_future(job) for job in jobs]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    async def _snapshots(self, door: Door) -> None:
        async for snapshot in door.snapshots():
            self._seen.history.add(snapshot)
            self._seen.trouble = ""
            self._told()

    async def _reads(self, door: Door) -> None:
        known = {each["id"] for each in self._seen.reads}
        for each in reversed(await door.reads(limit=100)):
            if each["id"] not in known:
                self._seen.reads.appendleft(each)
        async for record in door.read_stream():
            for at, each in enumerate(self._seen.reads):
                if each["id"] == record["id"]:  # Told again: a preview is now final.
                    self._seen.reads[at] = record
                    break
            else:
                self._seen.reads.appendleft(record)
            self._told()

    async def _log(self, door: Door) -> None:
        self._seen.lines.clear()
        async for line in door.logs(follow=True):
            self._seen.lines.append(line)
            if self._view.page == "logs" or self._view.looked_at:
                self._told()

    async def _alerts(self, door: Door) -> None:
        while True:
            opened = self._seen.now.alerts_open if self._seen.now else 0
            if opened != len(self._seen.alerts) or (self._view.page == "alerts" and opened):
                self._seen.alerts = await door.alerts()
                self._told()
            await asyncio.sleep(ALERTS_EVERY)

    def turn(self) -> None:
        """Something else is looked at: what it shows is asked for at once."""
        self._turned.set()

    async def _subject(self, door: Door) -> None:
        """What the open page shows of one thing, asked for again and again while it is open."""
        while True:
            self._turned.clear()
            page, subject = self._view.page, self._view.looked_at
            every = DETAILS_EVERY
            if not subject:
                every = 3600.0
            elif page == "cameras":
                every = PICTURE_EVERY
                await self._picture(f"camera {subject}", door.picture(subject, PICTURE_WIDTH))
            elif page in ("flow", "sinks"):
                told = await _if_told(door.node(subject))
                if told is not None:
                    self._seen.details[f"node {subject}"] = told
                    self._told()
            elif f"read {subject}" not in self._seen.pictures:
                await self._picture(f"read {subject}", door.crop(subject))
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._turned.wait(), every)

    async def _picture(self, key: str, asked: Awaitable[bytes]) -> None:
        picture = await _if_told(asked) or b""
        if picture or key not in self._seen.pictures:
            self._seen.pictures[key] = picture
            while len(self._seen.pictures) > PICTURES_KEPT:
                self._seen.pictures.pop(next(iter(self._seen.pictures)))
            self._told()


async def _if_told(asked: Awaitable[Answer]) -> Answer | None:
    """What was asked for; None if the flow answers that we may not have it, or that it has no such thing."""
    try:
        return await asked
    except FlowalprError as error:
        if not getattr(error, "status", 0):
            raise
        return None
