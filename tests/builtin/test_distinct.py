"""The node `distinct`."""

from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from flowalpr import Message, PlateRead
from flowalpr.testing import NOON, feed, plate_read
from flowalpr_builtin.filters import distinct
from flowalpr_builtin.filters.distinct import Distinct


def when(messages: list[Message]) -> list[float]:
    return [(each.stamp.time - NOON).total_seconds() for each in messages if isinstance(each, PlateRead)]


def test_a_plate_is_told_once_and_again_after_its_cool_down() -> None:
    reads = [plate_read("AB123", at=at) for at in (0, 1, 29.9, 30, 31, 60)]
    assert when(feed(Distinct(), *reads)) == [0, 30, 60]


def test_other_plates_and_other_cameras_are_not_held_back() -> None:
    reads = [plate_read("AB123", at=0), plate_read("AB124", at=1), plate_read("AB123", camera="exit", at=2)]
    assert feed(Distinct(), *reads) == reads


def test_a_misread_of_the_same_plate_is_held_back_if_asked_for() -> None:
    reads = [plate_read("KS15ABC", at=0), plate_read("KSI5ABC", at=1), plate_read("KS15AB", at=2)]
    assert when(feed(Distinct(), *reads)) == [0, 1, 2]
    assert when(feed(Distinct(alike=0.1), *reads)) == [0, 2]
    assert when(feed(Distinct(alike=1), *reads)) == [0]


def test_a_clock_set_back_holds_no_plate_back_for_ever() -> None:
    reads = [plate_read("AB123", at=at) for at in (3600, 0, 1, 31, 3600)]
    assert when(feed(Distinct(), *reads)) == [3600, 0, 31, 3600]


@given(st.lists(st.integers(-100, 100), max_size=40), st.integers(1, 50))
def test_two_reads_of_a_plate_never_pass_within_the_cool_down(times: list[int], seconds: int) -> None:
    node = Distinct(cool_down=timedelta(seconds=seconds))
    passed = when(feed(node, *(plate_read("AB123", at=at) for at in times)))
    assert passed[:1] == times[:1]
    assert all(abs(later - earlier) >= seconds for earlier, later in pairwise(passed))


def test_memory_is_bounded_even_if_no_cool_down_ends() -> None:
    node = Distinct(cool_down=timedelta(days=1))
    read = plate_read("AB123")
    assert node.process(read)
    for number in range(distinct.MOST_REMEMBERED):
        node._passed[read.stamp.camera][f"X{number}"] = read.stamp.time
    assert node.process(plate_read("LAST")) is not None
    assert len(node._passed[read.stamp.camera]) == distinct.MOST_REMEMBERED
    assert node.process(plate_read("LAST")) is None
