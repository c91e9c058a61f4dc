"""Every n-th message, or one in each stretch of time."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from flowalpr import Message, PlateRead
from flowalpr.testing import feed, plate_read
from flowalpr_builtin.filters.sample import Sample


def numbers(messages: list[Message]) -> list[int]:
    return [message.stamp.number for message in messages if isinstance(message, PlateRead)]


def test_every_third_message_passes_beginning_with_the_first() -> None:
    assert numbers(feed(Sample(every=3), *(plate_read(number=n) for n in range(8)))) == [0, 3, 6]


def test_each_camera_is_counted_for_itself() -> None:
    reads = [plate_read(camera=camera, number=n) for n in range(4) for camera in ("gate", "yard")]
    assert numbers(feed(Sample(every=2), *reads)) == [0, 0, 2, 2]


def test_half_a_second_takes_two_of_eighteen_frames_a_second_for_ever() -> None:
    reads = [plate_read(number=n, at=n / 18) for n in range(18 * 10)]
    assert len(feed(Sample(every="500 ms"), *reads)) == 20


def test_a_camera_slower_than_the_sample_loses_nothing() -> None:
    reads = [plate_read(number=n, at=n * 0.7) for n in range(10)]
    assert len(feed(Sample(every="500 ms"), *reads)) == 10


def test_a_clock_set_back_does_not_silence_a_camera() -> None:
    assert numbers(feed(Sample(every="1 s"), plate_read(number=0, at=3600), plate_read(number=1, at=0))) == [0, 1]


@pytest.mark.parametrize("every", [0, -1, "0 s", "5 apples", 2.5, None])
def test_a_sample_that_means_nothing_is_refused(every: object) -> None:
    with pytest.raises(ValidationError):
        Sample(every=every)
