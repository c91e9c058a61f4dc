"""The node `distinct`."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowalpr import Fault, Message, Passage, PlateRead
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


def remembering(folder: Path, **settings: object) -> Distinct:
    node = Distinct.model_validate({"remember": True, "cool_down": timedelta(hours=1), **settings})
    node.place("once", flow="gate")
    assert node.home.is_relative_to(folder)
    return node


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FLOWALPR_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def test_a_cool_down_outlives_a_restart_if_asked_for(state: Path) -> None:
    reads = [plate_read("AB123", at=0), plate_read("\ud800", at=1)]
    assert when(feed(remembering(state), *reads)) == [0, 1]
    again = [plate_read("AB123", at=60), plate_read("AB123", camera="exit", at=62)]
    assert when(feed(remembering(state), *again)) == [62]
    assert when(feed(remembering(state), plate_read("AB123", at=3600))) == [3600]
    assert when(feed(Distinct(), plate_read("AB123", at=3601))) == [3601]
    assert (state / "gate" / "once" / "passed.db").stat().st_mode & 0o777 == 0o600


def test_a_plate_is_gone_from_the_file_when_its_cool_down_is_over(state: Path) -> None:
    feed(remembering(state), plate_read("AB123", at=0), plate_read("CD456", at=3600))
    with closing(sqlite3.connect(state / "gate" / "once" / "passed.db")) as database:
        assert database.execute("SELECT plate FROM passed").fetchall() == [("CD456",)]


def test_a_changed_node_knows_what_the_one_before_it_passed_on(state: Path) -> None:
    node, changed = remembering(state), remembering(state, alike=0.1)
    node.open()
    changed.open()
    assert node.process(plate_read("AB123", at=0))
    node.close()
    assert changed.process(plate_read("AB123", at=1)) is None
    changed.close()


def test_a_memory_that_cannot_be_written_holds_no_read_back_and_is_told_once(state: Path) -> None:
    node = remembering(state)
    node.open()
    assert node.process(plate_read("AB123", at=0))
    with closing(sqlite3.connect(node.home / "passed.db", isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")  # As a program does that copies the file.
        assert node.process(plate_read("SECRET1", at=1))
        faults = [*node.due(NOON), *node.due(NOON)]
        assert [each.error for each in faults if isinstance(each, Fault)] == [
            "what was passed on is not remembered over a restart: database is locked"
        ]
        database.execute("ROLLBACK")
    assert node.process(plate_read("CD456", at=2))
    assert list(node.due(NOON)) == []
    node.close()


def test_what_is_told_later_of_a_passage_is_passed_on_too() -> None:
    read = plate_read("AB123")
    time = read.stamp.time
    early = Passage("AB12", 0.9, read.detection, id="1", stage="preview", first=time, last=time, seen=1, reads=1)
    final, gone = replace(early, text="AB123", stage="final"), replace(early, text="AB123", stage="gone")
    other = replace(final, id="2")
    assert feed(Distinct(alike=1), early, final, other, gone) == [early, final, gone]


def test_memory_is_bounded_even_if_no_cool_down_ends() -> None:
    node = Distinct(cool_down=timedelta(days=1))
    read = plate_read("AB123")
    assert node.process(read)
    for number in range(distinct.MOST_REMEMBERED):
        node._passed[read.stamp.camera][f"X{number}"] = read.stamp.time
    assert node.process(plate_read("LAST")) is not None
    assert len(node._passed[read.stamp.camera]) == distinct.MOST_REMEMBERED
    assert node.process(plate_read("LAST")) is None
