"""Parking sessions: each begins once and ends once, whatever is read, lost or killed."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from flowalpr import Message, ParkingSession, Passage, PlateRead, SetupError
from flowalpr.testing import NOON, feed, plate_read
from flowalpr_builtin.filters.sessions import Sessions

HOUR = 3600.0


def comes(text: str, at: float) -> PlateRead:
    return plate_read(text, camera="entry", at=at)


def leaves(text: str, at: float) -> PlateRead:
    return plate_read(text, camera="exit", at=at)


def passage(text: str, direction: str | None, *, at: float, stage: str = "final", id_: str = "1") -> Passage:
    read = plate_read(text, camera="gate", at=at)
    time = read.stamp.time
    return Passage(
        text, 0.9, read.detection, id=id_, stage=stage, first=time, last=time, seen=3, reads=3, direction=direction
    )


@pytest.fixture
def node(tmp_path: Path) -> Sessions:
    return Sessions(entry=("entry",), exit=("exit",), path=tmp_path / "sessions.db")


def told(messages: list[Message]) -> list[tuple[str, str, float | None, int]]:
    return [(m.state, m.text, m.duration, m.occupancy) for m in messages if isinstance(m, ParkingSession)]


def test_a_stay_is_told_when_it_begins_and_when_it_ends(node: Sessions) -> None:
    opened, closed = feed(node, comes("AB123", 0), leaves("AB123", HOUR))
    assert isinstance(opened, ParkingSession)
    assert isinstance(closed, ParkingSession)
    assert (opened.state, closed.state, opened.id == closed.id) == ("open", "closed", True)
    record = closed.record()
    assert (record["duration"], record["entered"], record["camera"]) == (HOUR, NOON.isoformat(), "exit")
    assert "B123" not in repr(closed)
    assert node.path.stat().st_mode & 0o777 == 0o600


def test_an_exit_ends_the_nearest_session_though_it_was_misread(node: Sessions) -> None:
    cars = (
        comes("KS15ABC", 0),
        comes("KS16ABC", 1),
        comes("XX99XXX", 2),
        leaves("KSI5ABC", HOUR),
        leaves("K516ABC", HOUR),
    )
    assert told(feed(node, *cars))[3:] == [("closed", "KS15ABC", HOUR, 2), ("closed", "KS16ABC", HOUR - 1, 1)]


def test_lost_entries_and_exits_are_told(node: Sessions) -> None:
    cars = leaves("AB1", 0), comes("CD2", 10), comes("CD2", 2 * HOUR), leaves("CD2", 3 * HOUR)
    assert told(feed(node, *cars)) == [
        ("lost entry", "AB1", None, 0),
        ("open", "CD2", None, 1),
        ("lost exit", "CD2", None, 0),
        ("open", "CD2", None, 1),
        ("closed", "CD2", HOUR, 0),
    ]
    assert node.tallies() == {"lost entry": 1, "entered": 2, "lost exit": 1, "left": 1, "parked now": 0}


def test_a_plate_read_again_at_once_is_the_same_entry_or_exit(node: Sessions) -> None:
    cars = comes("AB1", 0), comes("A81", 5), leaves("AB1", HOUR), leaves("A81", HOUR + 5)
    assert [each[0] for each in told(feed(node, *cars))] == ["open", "closed"]


def test_a_stay_that_takes_too_long_has_lost_its_exit(node: Sessions) -> None:
    month = timedelta(days=30).total_seconds()
    messages = feed(node, comes("AB1", 0), comes("CD2", month))
    assert [each[:2] for each in told(messages)] == [("open", "AB1"), ("open", "CD2"), ("lost exit", "AB1")]


def test_the_end_of_a_run_is_no_exit_and_open_sessions_go_on(node: Sessions) -> None:
    feed(node, comes("AB1", 0))
    again = Sessions(entry=("entry",), exit=("exit",), path=node.path)
    assert told(feed(again, comes("AB1", 60), leaves("AB1", HOUR))) == [("closed", "AB1", HOUR, 0)]


def test_a_clock_set_back_makes_no_stay_shorter_than_nothing(node: Sessions) -> None:
    assert told(feed(node, comes("AB1", HOUR), leaves("AB1", 0)))[1] == ("closed", "AB1", 0.0, 0)


def test_summer_time_makes_no_stay_longer(node: Sessions) -> None:
    before = replace(comes("AB1", 0).stamp, time=datetime.fromisoformat("2026-03-29T01:30:00+01:00"))
    after = replace(leaves("AB1", 0).stamp, time=datetime.fromisoformat("2026-03-29T03:30:00+02:00"))
    cars = [
        replace(read, detection=replace(read.detection, frame=replace(read.frame, stamp=stamp)))
        for read, stamp in ((comes("AB1", 0), before), (leaves("AB1", 0), after))
    ]
    assert told(feed(node, *cars))[1] == ("closed", "AB1", HOUR, 0)


def test_the_direction_tells_entry_from_exit_at_one_gate(tmp_path: Path) -> None:
    cars = (
        passage("AB1", "in", at=0, id_="1", stage="preview"),
        passage("AB1", None, at=1, id_="1"),
        passage("AB1", "in", at=2, id_="1", stage="gone"),
        passage("AB1", "out", at=HOUR, id_="2"),
        passage("AB1", "out", at=HOUR + 200, id_="2", stage="gone"),
    )
    assert told(feed(Sessions(path=tmp_path / "1.db"), *cars)) == [
        ("open", "AB1", None, 1),
        ("closed", "AB1", HOUR - 2, 0),
    ]
    node = Sessions(entry=("gate:towards",), exit=("gate:away",), path=tmp_path / "2.db")
    cars = passage("AB1", "towards", at=0, id_="1"), passage("AB1", "away", at=HOUR, id_="2"), passage("", "away", at=9)
    assert [each[0] for each in told(feed(node, *cars))] == ["open", "closed"]


def test_one_camera_cannot_be_both_ways_at_once() -> None:
    with pytest.raises(ValidationError, match="both an entry and an exit: write gate:in and gate:out"):
        Sessions(entry=("gate",), exit=("gate",))


def test_two_nodes_on_one_file_and_a_file_of_another_kind_are_refused(node: Sessions, tmp_path: Path) -> None:
    node.open()
    with pytest.raises(SetupError, match="in use by process"):
        feed(Sessions(path=node.path))
    node.close()
    (tmp_path / "text.db").write_text("no database, but text " * 99)
    with pytest.raises(SetupError, match="not a database"):
        feed(Sessions(path=tmp_path / "text.db"))
    with closing(sqlite3.connect(tmp_path / "later.db")) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(SetupError, match="later version"):
        feed(Sessions(path=tmp_path / "later.db"))


def test_a_changed_node_takes_over_from_the_one_that_it_replaces(node: Sessions) -> None:
    node.open()
    list(node.process(comes("AB1", 0)))
    changed = Sessions(entry=("entry",), exit=("exit",), alike=0.1, path=node.path)
    changed.open()  # As the engine does it: before the other is closed.
    list(node.process(comes("CD2", 1)))
    node.close()
    assert told(list(changed.process(leaves("CD2", HOUR)))) == [("closed", "CD2", HOUR - 1, 1)]
    changed.close()


def test_what_cannot_be_kept_is_an_error_and_changes_nothing(
    node: Sessions, full_disk: Callable[[int], AbstractContextManager[None]]
) -> None:
    node.open()
    list(node.process(comes("AB1", 0)))

    def fills_the_disk() -> None:
        for number in range(500):
            list(node.process(comes(f"SECRET{number}", 1)))

    with full_disk(node.path.stat().st_size), pytest.raises(SetupError, match="cannot be written") as error:
        fills_the_disk()
    assert "SECRET" not in str(error.value)
    ((session),) = list(node.process(leaves("AB1", HOUR)))
    assert session.state == "closed"
    node.close()


def test_what_was_kept_but_perhaps_not_heard_before_a_kill_is_told_again_as_it_was(node: Sessions) -> None:
    node.open()
    (opened,) = node.process(comes("AB1", 0))
    (closed,) = node.process(leaves("AB1", HOUR))
    list(node.process(comes("CD2", 9)))
    node.close()  # Without what comes due at an orderly end.
    after = Sessions(entry=("entry",), exit=("exit",), path=node.path)
    again = feed(after, plate_read("EF3", camera="elsewhere"))
    assert told(again) == [("closed", "AB1", HOUR, 0), ("open", "CD2", None, 1)]
    assert again[0].record() == closed.record()
    assert opened.id == closed.id
    assert not feed(Sessions(entry=("entry",), path=node.path), plate_read("EF3", camera="elsewhere"))


HOSTILE = st.sampled_from(["AB1", "A81", "AB2", "'; DROP TABLE sessions;--", "🚗", "\ud800", "A" * 300])


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.booleans(), HOSTILE, st.integers(-300, 9000)), max_size=25), st.integers(0, 25))
def test_every_session_opens_once_and_ends_at_most_once(cars: list[tuple[bool, str, int]], restart: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sessions.db")
        reads = [(comes if is_entry else leaves)(text, at) for is_entry, text, at in cars]
        given: list[Message] = []
        for part in (reads[:restart], reads[restart:]):
            given += feed(Sessions(entry=("entry",), exit=("exit",), path=path), *part)
        sessions = [each for each in given if isinstance(each, ParkingSession)]
        begun = Counter(each.id for each in sessions if each.state == "open")
        ended = Counter(each.id for each in sessions if each.state in ("closed", "lost exit"))
        assert all(count == 1 for count in (*begun.values(), *ended.values()))
        assert ended.keys() <= begun.keys()
        assert not sessions or sessions[-1].occupancy == len(begun) - len(ended)
        with closing(sqlite3.connect(path)) as database:
            kept = dict(database.execute("SELECT state, count(*) FROM sessions GROUP BY state").fetchall())
        told_ = Counter({"open": len(begun) - len(ended)}) + Counter(
            each.state for each in sessions if each.state != "open"
        )
        assert kept == dict(told_)


KILLED = """
import os, signal, sys
from pathlib import Path
from flowalpr.testing import plate_read
from flowalpr_builtin.filters.sessions import Sessions
node = Sessions(entry=("entry",), exit=("exit",), path=Path(sys.argv[1]))
node.open()
for number in range(10_000):
    text = f"{number:05}".translate(str.maketrans("0123456789", "ACEFHKPRTX"))
    for session in node.process(plate_read(text, camera="entry")):
        print(session.id, flush=True)
"""


@pytest.mark.slow
def test_what_was_told_before_a_kill_is_there_after_it(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    command = [sys.executable, "-c", KILLED, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        ids = [process.stdout.readline().strip() for _ in range(20)]
        os.kill(process.pid, signal.SIGKILL)
        ids += process.stdout.read().split()
    with closing(sqlite3.connect(path)) as database:
        kept = {row[0] for row in database.execute("SELECT id FROM sessions WHERE state = 'open'")}
    assert set(ids) <= kept
    assert len(kept) - len(set(ids)) <= 1
