"""Every page as we looked at it and accepted it: the same snapshot, the same screen."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from support.monitor import LARGE, SMALL, settle
from support.replay import Replay

from flowalpr.tui.app import Monitor

GOLDEN = Path(__file__).parents[1] / "golden" / "monitor"
PAGES = {
    "flow": (),
    "flow-other-view": ("v",),
    "node": ("down", "enter"),
    "cameras": ("2",),
    "camera": ("2", "enter"),
    "reads": ("3",),
    "read": ("3", "m", "down", "enter"),
    "alerts": ("4",),
    "reasons": ("5",),
    "sinks": ("6",),
    "box": ("7",),
    "logs": ("8",),
    "help": ("question_mark",),
    "filter": ("3", "slash", "o", "u", "t"),
    "question": ("r",),
}


def picture_of(app: Monitor) -> str:
    """The screen as SVG, without what differs from run to run and what only adds bytes."""
    svg = app.export_screenshot(simplify=True)
    svg = re.sub(r"terminal-\d+-", "t-", svg)
    svg = re.sub(r"@font-face \{.*?\}\n?", "", svg, flags=re.DOTALL)
    return "\n".join(line.strip() for line in svg.splitlines() if line.strip()) + "\n"


def page(name: str, size: tuple[int, int]) -> str:
    async def go() -> str:
        app = Monitor(Replay().reach, "car-park", only_ascii=False)
        async with app.run_test(size=size) as pilot:
            await settle(pilot)
            for key in PAGES[name]:
                await pilot.press(key)
                await settle(pilot)
            return picture_of(app)

    return asyncio.run(asyncio.wait_for(go(), 60))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_80_columns_is_the_one_we_accepted(name: str, golden: Callable[[Path, str], None]) -> None:
    golden(GOLDEN / f"{name}-80x24.svg", page(name, SMALL))


@pytest.mark.parametrize(
    "name", ["flow", "node", "cameras", "reads", "read", "alerts", "reasons", "sinks", "box", "logs"]
)
def test_a_page_of_160_columns_is_the_one_we_accepted(name: str, golden: Callable[[Path, str], None]) -> None:
    golden(GOLDEN / f"{name}-160x48.svg", page(name, LARGE))
