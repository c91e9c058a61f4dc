from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowalpr_builtin.sources.capture import CaptureTimes

ZERO = 5000.0
"""Of the steady clock, when the stream's own time is 0."""


def test_a_picture_that_is_late_was_taken_no_later_for_it() -> None:
    times = CaptureTimes()
    delays = [0.1, 0.1, 0.4, 0.1, 0.9, 0.1]
    taken = [times.taken(ZERO + number * 0.04 + delay, number * 0.04) for number, delay in enumerate(delays)]
    assert taken == pytest.approx([ZERO + 0.1 + number * 0.04 for number in range(6)])


@pytest.mark.parametrize("drift", [-200e-6, 200e-6])
def test_a_camera_whose_clock_runs_wrong_does_not_drift_away(drift: float) -> None:
    times = CaptureTimes()
    for number in range(3 * 3600):
        true = number * 1.0
        late = 0.05 + 0.02 * (number % 7)  # The first of seven comes fastest.
        taken = times.taken(ZERO + true + late, true * (1 + drift))
        # In two windows of 30 s the clocks part by 12 ms.
        assert abs(taken - (ZERO + true + 0.05)) < 0.013


def test_a_camera_that_begins_to_count_anew_is_followed() -> None:
    times = CaptureTimes()
    for number in range(100):
        times.taken(ZERO + number * 0.04, 90_000 + number * 0.04)
    assert times.taken(ZERO + 4.0, 0.0) == pytest.approx(ZERO + 4.0)
    assert times.taken(ZERO + 4.14, 0.04) == pytest.approx(ZERO + 4.04)
    assert times.taken(ZERO + 4.18, 500.0) == pytest.approx(ZERO + 4.18)


@given(st.lists(st.tuples(st.floats(0, 20), st.floats(-1e6, 1e6)), min_size=1, max_size=60))
def test_times_only_grow_and_none_is_from_after_the_arrival(steps: list[tuple[float, float]]) -> None:
    times, arrived, last = CaptureTimes(), ZERO, float("-inf")
    for passed, own in steps:
        arrived += passed
        taken = times.taken(arrived, own)
        assert taken > last
        assert taken <= max(arrived, last + 2e-6)
        last = taken
