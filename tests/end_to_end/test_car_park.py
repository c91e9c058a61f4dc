"""A car park on the engine: a live camera, a list that is edited meanwhile, a barrier, sessions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from pydantic import PrivateAttr
from support.flows import Keep, graph_of

from flowalpr import Box, Detection, Frame, Node, ParkingSession, PlateRead, Signal, Stamp
from flowalpr.engine.runner import Runner
from flowalpr.testing import plate_frame
from flowalpr_builtin.filters.barrier import Barrier
from flowalpr_builtin.filters.sessions import Sessions
from flowalpr_builtin.filters.watchlist import Watchlist


class Cars(Node):
    """A live camera that sees the same cars one after the other, again and again, until one was let in."""

    path: Path
    """The list, to which the last car is added when all have been seen once."""
    _frame: Frame = PrivateAttr(default_factory=plate_frame)
    _number: int = 0

    def is_live(self) -> bool:
        return True

    def process(self) -> Iterator[PlateRead]:
        for each in ("AB123", "CD456", "EF789"):
            yield self._read(each)
        self.path.write_text("plate,action\nAB123,allow\nEF789,allow\n")
        for _ in range(200):
            if self.wait(0.02):
                return
            yield self._read("EF789")
        self.wait(10)  # Nothing comes any more; only time passes.

    def _read(self, text: str) -> PlateRead:
        self._number += 1
        stamp = Stamp(self.name, datetime.now(timezone.utc), self._number)
        return PlateRead(text, 0.9, Detection(Frame(self._frame.image, stamp), Box(190, 150, 450, 210), 0.9))


@pytest.mark.slow
def test_a_car_that_is_put_on_the_list_while_it_waits_is_let_in_at_once(tmp_path: Path) -> None:
    path = tmp_path / "residents.csv"
    path.write_text("plate,action\nAB123,allow\nCD456,deny\n")
    signals, stays = Keep(), Keep()
    runner = Runner(
        graph_of(
            ("gate", Cars(path=path), ""),
            ("list", Watchlist(path=path, keep="allow"), "gate"),
            ("barrier", Barrier(hold=timedelta(milliseconds=500)), "list"),
            ("signals", signals, "barrier"),
            ("sessions", Sessions(entry=("gate",), path=tmp_path / "sessions.db"), "gate"),
            ("stays", stays, "sessions"),
        ),
        tmp_path / "dead-letters.jsonl",
    )
    runner.start()
    try:
        for _ in range(100):
            told = [each for each in signals.kept() if isinstance(each, Signal)]
            if [each.on for each in told].count(True) == 2 and not told[-1].on:
                break
            runner.wait(0.1)
    finally:
        runner.stop()
    assert [each.read.text for each in told if each.on] == ["AB123", "EF789"]
    assert max(each.delay for each in told) < 1.0
    assert not told[-1].on
    assert [each.text for each in stays.kept() if isinstance(each, ParkingSession)] == ["AB123", "CD456", "EF789"]
    assert runner.snapshot().node("barrier").tallies["opened"] == 2
