"""The monitor before the real door of a flow that really runs: what its keys ask for comes to pass."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from support.certificates import Authority
from support.flows import graph_of
from support.live import PLATE, LiveReads
from support.monitor import LARGE, settle, text_of
from support.served import Served, until
from textual.pilot import Pilot

from flowalpr.alerts import keep, open_alerts
from flowalpr.cli.attach import attached
from flowalpr.control.server import Network
from flowalpr.control.tokens import Role, Tokens
from flowalpr.events import Alert
from flowalpr.testing import plate_read
from flowalpr.tui.app import Monitor
from flowalpr.tui.feed import Reach
from flowalpr_builtin.filters.watchlist import Watchlist
from flowalpr_builtin.sinks.store import Store

pytestmark = pytest.mark.slow


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A flow with a watch list, a store of three passages, and an open alert; other machines may look into it."""
    monkeypatch.setenv("FLOWALPR_STATE", str(tmp_path / "s"))
    (tmp_path / "residents.csv").write_text("plate,action\nAA11AA,allow\n")
    graph = graph_of(
        ("cars", LiveReads(), ""),
        ("residents", Watchlist(path=tmp_path / "residents.csv"), "cars"),
        ("archive", Store(path=tmp_path / "plates.db"), "cars"),
    )
    certificate, key = Authority(tmp_path).sign("gate")
    flow = Served(graph, network=Network("127.0.0.1", 0, certificate, key))
    flow.node("cars").send(3)
    until(lambda: {node.name: node.taken for node in flow.runner.snapshot().nodes}["archive"] == 3)
    flow.runner.restart("archive").result(20)  # It writes all when it closes.
    keep(flow.flow.folder, Alert("high", "stolen", plate_read(PLATE)), "watch", timedelta(days=1))
    yield flow
    flow.close()


class Hands:
    """Somebody at a monitor, who waits for what he asked for."""

    def __init__(self, pilot: Pilot[Any]) -> None:
        self._pilot = pilot

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            await self._pilot.press(key)

    async def write(self, text: str) -> None:
        """Write that into the line in place of what stands there."""
        await self.press("end", "ctrl+u", *("space" if each == " " else each for each in text), "enter")

    async def see(self, words: str) -> None:
        """Wait until the screen says so."""
        app, end = self._pilot.app, monotonic() + 30
        assert isinstance(app, Monitor)
        await settle(self._pilot)
        while words not in text_of(app):
            assert monotonic() < end, f"no {words!r} in\n{text_of(app)}"
            await self._pilot.pause(0.05)
            await settle(self._pilot)


def at(reach: Reach, what: Callable[[Hands], Awaitable[None]]) -> None:
    """Do something at a monitor that finds its flow so."""

    async def go() -> None:
        async with Monitor(reach).run_test(size=LARGE) as pilot:
            await what(Hands(pilot))

    asyncio.run(asyncio.wait_for(go(), 120))


def test_the_user_of_the_machine_acknowledges_lists_corrects_and_searches(served: Served, tmp_path: Path) -> None:
    async def work(hands: Hands) -> None:
        await hands.press("4")
        await hands.see("stolen")
        await hands.press("a")
        await hands.see("acknowledged")
        assert open_alerts(served.flow.folder) == []
        await hands.press("3", "m")
        await hands.see(PLATE)
        await hands.press("a")
        await hands.see("residents alert")
        await hands.write("residents deny Flat 3")
        await hands.see("added to residents")
        assert f"{PLATE},deny" in (tmp_path / "residents.csv").read_text()
        await hands.press("c")
        await hands.write("KX77ABD")
        await hands.see("corrected, in the store and in the queue for training")
        await hands.press("s")
        await hands.write("KX??ABD")
        await hands.see("1 reads of the past")
        await hands.see("KX77ABD")
        await hands.press("enter")
        await hands.see("KX77ABD")
        await hands.press("escape", "escape")
        await hands.see(PLATE)

    at(attached_to("test"), work)
    assert (served.flow.folder / "corrections" / "labels.csv").exists()


@pytest.mark.parametrize("role", [Role.viewer, Role.operator])
def test_a_guest_over_tls_sees_and_does_what_his_token_allows(
    role: Role, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_viewer = role is Role.viewer

    async def work(hands: Hands) -> None:
        await hands.press("3", "m")
        await hands.see("KX•••••" if is_viewer else PLATE)
        await hands.press("c")
        await hands.write("KX77ABD")
        await hands.see("needs the role operator" if is_viewer else "corrected, in the store")
        await hands.press("a")
        await hands.see("residents alert")
        await hands.write("residents deny Flat 3")
        await hands.see("needs the role admin")
        await hands.press("4")
        await hands.see("high")
        await hands.press("a")
        await hands.see("needs the role operator" if is_viewer else "acknowledged")

    monkeypatch.setenv("A_TOKEN", Tokens().create("Ann", role, None)[1])
    at(attached_to(None, address(served), tmp_path), work)
    assert "KX77" not in (tmp_path / "residents.csv").read_text()


def test_a_token_that_is_not_known_is_said_and_shows_nothing(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(hands: Hands) -> None:
        await hands.see("token")

    monkeypatch.setenv("A_TOKEN", "flowalpr_none_none")
    at(attached_to(None, address(served), tmp_path), work)


def attached_to(name: str | None, host: str | None = None, folder: Path = Path()) -> Reach:
    """The way to a flow, as the command takes it."""
    return partial(attached, name, host, "env:A_TOKEN", folder / "authority.pem" if host else None)


def address(served: Served) -> str:
    """Where other machines find it."""
    return f"https://127.0.0.1:{served.door.port}"
