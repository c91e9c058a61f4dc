"""Opens a monitor before a told flow and drives it key by key."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from support.replay import Replay
from textual.pilot import Pilot

from flowalpr.tui.app import Monitor

SMALL, LARGE = (80, 24), (160, 48)
Then = Callable[[Pilot[Any], Monitor], Awaitable[None]]


async def settle(pilot: Pilot[Any]) -> None:
    """Let everything that was told arrive, and paint it."""
    for _ in range(3):
        await pilot.pause()
        pilot.app.paint()
    await pilot.pause()


def text_of(app: Monitor) -> str:
    """What the screen says, line by line."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


def watch(
    *keys: str,
    door: Replay | None = None,
    size: tuple[int, int] = SMALL,
    only_ascii: bool = False,
    then: Then | None = None,
) -> str:
    """What the screen says after those keys; `then` may do more before the monitor is closed."""

    async def go() -> str:
        app = Monitor((door or Replay()).reach, "car-park", only_ascii=only_ascii)
        async with app.run_test(size=size) as pilot:
            await settle(pilot)
            for key in keys:
                await pilot.press(key)
                await settle(pilot)
            if then is not None:
                await then(pilot, app)
                await settle(pilot)
            return text_of(app)

    return asyncio.run(asyncio.wait_for(go(), 60))
