from __future__ import annotations

import logging
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowalpr.clock import SteadyClock

NOON = datetime(2026, 10, 24, 12, tzinfo=timezone.utc).timestamp()


class Computer:
    """A computer whose two clocks are moved by hand."""

    def __init__(self) -> None:
        self.wall = NOON
        self.steady = 0.0
        self.clock = SteadyClock(lambda: self.wall, lambda: self.steady)

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds

    def time(self) -> float:
        return self.clock.now().timestamp() - NOON


@given(st.lists(st.tuples(st.floats(0, 1e4), st.floats(-1e6, 1e6)), max_size=50))
def test_time_never_goes_back_and_never_falls_behind_the_clock(moves: list[tuple[float, float]]) -> None:
    computer = Computer()
    last = computer.time()
    for passed, jump in moves:
        computer.passes(passed)
        computer.wall += jump
        assert computer.time() >= max(last, computer.wall - NOON) - 1e-3, "floats of 1e9 have a grain"
        last = computer.time()


def test_a_clock_set_forward_is_followed_at_once_and_one_set_back_slowly_and_aloud(
    caplog: pytest.LogCaptureFixture,
) -> None:
    computer = Computer()
    computer.passes(1)
    computer.wall += 3600
    assert computer.time() == pytest.approx(3601)
    with caplog.at_level(logging.WARNING):
        computer.wall -= 30
        for second in range(10):
            computer.passes(1)
            assert computer.time() == pytest.approx(3601 + 0.9 * (second + 1))
    assert [record.getMessage()[:37] for record in caplog.records] == ["the clock was set back by 30 s: the t"]
    computer.passes(300)
    assert computer.time() == pytest.approx(computer.wall - NOON)


def test_the_night_in_which_summer_time_ends_has_no_hour_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        computer = Computer()
        computer.passes(12 * 3600 + 1800)
        before = computer.clock.now()
        computer.passes(3600)
        after = computer.clock.now()
    finally:
        monkeypatch.undo()
        time.tzset()
    assert (after - before).total_seconds() == 3600
    assert before.isoformat() == "2026-10-25T00:30:00+00:00"
    assert after.isoformat() == "2026-10-25T01:30:00+00:00"
