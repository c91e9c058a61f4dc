"""The node `barrier`: open once for each car, and close again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from flowalpr import END_OF_TIME, Listed, Message, Passage, PlateRead, Signal
from flowalpr.testing import NOON, feed, plate_read
from flowalpr_builtin.filters import once
from flowalpr_builtin.filters.barrier import Barrier


def signals(messages: list[Message]) -> list[tuple[bool, str, float]]:
    return [
        (each.on, each.read.text, (each.stamp.time - NOON).total_seconds())
        for each in messages
        if isinstance(each, Signal)
    ]


def at(seconds: float, text: str = "AB123", *, track: int | None = None, camera: str = "gate") -> PlateRead:
    read = plate_read(text, camera=camera, at=seconds)
    return replace(read, detection=replace(read.detection, track=track))


def opened(*reads: PlateRead) -> list[str]:
    return [text for on, text, _ in signals(feed(Barrier(), *reads)) if on]


def test_it_opens_once_for_a_car_and_resets_when_the_time_is_over() -> None:
    node = Barrier(hold=timedelta(seconds=5))
    node.open()
    first = node.process(at(0))
    assert first is not None
    assert first.on
    assert node.process(at(1)) is None
    assert list(node.due(NOON + timedelta(seconds=4.9))) == []
    assert signals(list(node.due(NOON + timedelta(seconds=5.05)))) == [(False, "AB123", 5)]
    assert list(node.due(NOON + timedelta(seconds=60))) == []


def test_a_car_that_stays_opens_it_once_and_again_after_it_was_away() -> None:
    assert opened(*(at(seconds) for seconds in range(0, 100, 10))) == ["AB123"]
    assert opened(at(0), at(20), at(50)) == ["AB123", "AB123"]


def test_a_track_or_a_look_alike_or_a_passage_told_twice_is_the_same_car() -> None:
    assert opened(at(0, "AB123", track=7), at(1, "XY999", track=7)) == ["AB123"]
    assert opened(at(0, "AB123", track=7), at(1, "A8123", track=8)) == ["AB123"]
    read = at(0, "AB123")
    assert opened(read, replace(at(1, "ABC123"), id=read.id)) == ["AB123"]


def test_the_next_car_opens_it_anew_and_begins_the_time_again() -> None:
    node = Barrier(hold=timedelta(seconds=5))
    node.open()
    assert node.process(at(0, "AB123"))
    assert node.process(at(4, "CD456"))
    assert list(node.due(NOON + timedelta(seconds=8))) == []
    assert signals(list(node.due(NOON + timedelta(seconds=9)))) == [(False, "CD456", 9)]


def test_each_camera_has_a_barrier_of_its_own() -> None:
    assert opened(at(0, camera="in"), at(1, camera="out")) == ["AB123", "AB123"]


def test_it_opens_for_nobody_who_is_denied_or_cannot_be_read() -> None:
    denied = replace(at(0), listed=(Listed("a", "AB123", "allow"), Listed("b", "AB123", "deny")))
    node = Barrier()
    assert feed(node, denied, replace(at(1), text="")) == []
    assert node.tallies() == {"refused": 2}


def test_a_clock_set_back_leaves_it_open_for_twice_its_time_at_most() -> None:
    node = Barrier(hold=timedelta(seconds=5))
    node.open()
    assert node.process(at(3600))
    assert [each.on for each in node.due(NOON)] == [False]


def test_the_end_of_the_flow_closes_it() -> None:
    node = Barrier()
    node.open()
    assert node.process(at(0))
    assert [each.on for each in node.due(END_OF_TIME)] == [False]


def test_the_delay_runs_from_the_first_frame_in_which_the_plate_was_sharp() -> None:
    read = plate_read("AB123", at=0.4)
    passage = Passage(
        "AB123",
        0.9,
        read.detection,
        first=NOON - timedelta(seconds=9),  # Far away, a speck.
        sharp=NOON,
        last=NOON + timedelta(seconds=0.8),
        seen=9,
        reads=3,
    )
    node = Barrier()
    node.open()
    signal = node.process(passage)
    assert signal is not None
    assert signal.delay == 0.8
    assert signal.record()["text"] == "AB123"
    assert "AB123" not in repr(signal)
    assert node.tallies() == {"opened": 1, "ms delay p50": 800, "ms delay p95": 800}
    list(node.due(NOON + timedelta(seconds=1000)))
    later = node.process(plate_read("CD456", at=999.5))
    assert later is not None
    assert 0.5 <= later.delay < 5  # Half a second on the flow's clock, and what this took.


def test_what_is_remembered_is_bounded() -> None:
    node = Barrier(again=timedelta(days=1))
    node.open()
    for number in range(5):
        assert node.process(at(number, f"{number}" * 5))
    assert len(node._once._seen) == 5 <= once.MOST_REMEMBERED


@given(st.lists(st.tuples(st.sampled_from(["AB123", "CD456", ""]), st.integers(-50, 50)), max_size=30))
def test_after_all_is_over_every_barrier_is_closed(cars: list[tuple[str, int]]) -> None:
    given_ = signals(feed(Barrier(), *(at(seconds, text) for text, seconds in cars)))
    assert not given_ or given_[-1][0] is False
    assert sum(on for on, _, _ in given_) >= sum(not on for on, _, _ in given_)
