"""What the monitor shows as a flow goes on, ends and comes back."""

from __future__ import annotations

import pytest
from support.monitor import LARGE, settle, watch
from support.replay import Replay, car_park, node, read

from flowalpr.telemetry.snapshot import FlowSnapshot
from flowalpr.tui.seen import History


def test_a_new_read_comes_first():
    door = Replay()

    async def comes(pilot, app):
        door.fresh.put_nowait(read(20, text="NEW777"))
        await pilot.pause()

    lines = watch("3", "m", door=door, then=comes).splitlines()
    assert "NEW777" in lines[3]


def test_a_read_that_is_told_again_replaces_the_earlier():
    door = Replay()

    async def comes(pilot, app):
        door.fresh.put_nowait(read(8, text="BETTER8"))
        await pilot.pause()
        assert len(app.seen.reads) == 10

    assert "BETTER8" in watch("3", "m", door=door, then=comes)


def test_a_flow_that_ends_is_said_to_be_gone_and_shown_again_when_it_is_back():
    door = Replay()

    async def ends(pilot, app):
        door.later.put_nowait(None)
        while not app.seen.trouble:
            await pilot.pause(0.01)
        await settle(pilot)
        assert "the flow is gone for 0 s, waiting for its return" in app.seen.trouble
        while app.seen.trouble:
            await pilot.pause(0.01)

    assert "running for 2 h 1 min" in watch(door=door, then=ends)


def test_rates_are_taken_over_the_last_two_seconds():
    history = History()
    for quarter in range(40):
        history.add(car_park(60 + quarter / 4))
    assert history.rates("given")["north"] == pytest.approx(30.0)


def test_a_flow_that_began_anew_has_no_negative_rates():
    history = History()
    history.add(car_park(900))
    history.add(car_park(1))
    assert history.rates("given")["north"] == 0.0


def test_what_comes_from_elsewhere_cannot_steer_the_terminal():
    evil = car_park(10).model_copy(
        update={
            "flow": "\x1b]0;owned\x07",
            "nodes": (node("a\x1b[31m", "camera", "source", state="retry: \x1b[2J\nsecond line"),),
        }
    )
    for keys in ((), ("v",), ("enter",)):
        page = watch(*keys, door=Replay(evil))
        assert "\x1b" not in page
        assert "\x07" not in page


@pytest.mark.parametrize("size", [(20, 5), (40, 10), (79, 23), (300, 90)])
def test_every_page_is_drawn_in_a_terminal_of_any_size(size):
    watch("v", "v", "enter", *"2345678", "question_mark", size=size)


def test_a_large_flow_is_drawn_and_told():
    chains = [node(f"cam{n}", "camera", "source", given=100) for n in range(32)]
    chains += [node(f"find{n}", "detect", "detector", f"cam{n}", taken=9, given=9) for n in range(32)]
    large = FlowSnapshot(**{**dict(car_park(60)), "nodes": tuple(chains)})
    assert "cam31" in watch("end", door=Replay(large))
    assert "cam31" in watch("v", "end", size=LARGE, door=Replay(large))


def test_a_terminal_that_knows_only_ascii_gets_nothing_else():
    for keys in ((), ("v",), ("3",), ("down", "enter"), ("7",), ("question_mark",)):
        watch(*keys, only_ascii=True, then=_is_ascii)


async def _is_ascii(pilot, app):
    await settle(pilot)
    lines = app.screen._compositor.render_strips()
    assert all(segment.text.isascii() for strip in lines for segment in strip)
