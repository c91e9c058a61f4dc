from __future__ import annotations

import threading

import pytest
from pydantic import ValidationError

from flowalpr import Tick
from flowalpr.testing import feed
from flowalpr_builtin.sources.timer import Timer


def test_a_timer_with_a_count_ends_after_so_many_ticks() -> None:
    ticks = feed(Timer(every="10 ms", count=3))
    assert [tick.stamp.number for tick in ticks if isinstance(tick, Tick)] == [0, 1, 2]
    times = [tick.stamp.time for tick in ticks if isinstance(tick, Tick)]
    assert (times[2] - times[0]).total_seconds() >= 0.015
    assert times[0].tzinfo


def test_a_timer_stops_with_the_flow_however_long_its_beat() -> None:
    timer, stopping = Timer(every="1 h"), threading.Event()
    timer.place("beat", stopping)
    ticks = timer.process()
    assert next(ticks).stamp.camera == "beat"
    stopping.set()
    assert next(ticks, None) is None


@pytest.mark.parametrize("every", ["0 s", "2", -1])
def test_a_timer_without_a_beat_is_refused(every: object) -> None:
    with pytest.raises(ValidationError):
        Timer(every=every)


def test_beats_that_passed_while_the_flow_was_busy_are_left_out() -> None:
    ticks = Timer(every="50 ms").process()
    first = next(ticks)
    threading.Event().wait(0.12)
    late = next(ticks)
    assert (late.stamp.time - first.stamp.time).total_seconds() >= 0.135, "the third beat, not the two that passed"
