"""At most so many messages in any stretch of time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from flowalpr import Fault
from flowalpr.testing import feed, plate_read
from flowalpr_builtin.filters.rate_limit import RateLimit


@given(st.lists(st.integers(0, 3000), max_size=60), st.integers(1, 5), st.integers(1, 1000))
def test_no_stretch_of_time_has_more_messages_than_allowed(times: list[int], at_most: int, per: int) -> None:
    reads = [plate_read(at=time / 1000) for time in sorted(times)]
    limit = RateLimit(at_most=at_most, per=timedelta(milliseconds=per))
    passed = [read.stamp.time for read in feed(limit, *reads)]  # type: ignore[attr-defined]
    for first in range(len(passed) - at_most):
        assert passed[first + at_most] - passed[first] >= timedelta(milliseconds=per)
    assert not reads or passed[0] == reads[0].stamp.time


def test_each_camera_has_a_limit_of_its_own() -> None:
    reads = [plate_read(camera=camera, at=at) for at in (0, 1) for camera in ("gate", "yard")]
    assert feed(RateLimit(at_most=1, per="1 min"), *reads) == reads[:2]


def test_a_clock_set_back_does_not_silence_a_camera() -> None:
    late, early = plate_read(at=3600), plate_read(at=0)
    assert feed(RateLimit(at_most=1, per="1 min"), late, early) == [late, early]


def test_messages_without_a_time_are_limited_too() -> None:
    faults = [Fault("broken"), Fault("broken")]
    assert feed(RateLimit(at_most=1, per="1 h"), *faults) == faults[:1]


@pytest.mark.parametrize("settings", [{"at_most": 0}, {"per": "0 s"}, {"per": 5}, {"at_most": 10**9}])
def test_a_limit_that_means_nothing_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        RateLimit(**settings)
