"""The queue on disk: in order, bounded, whole after whatever happens to it."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from flowalpr import SetupError
from flowalpr.delivery import outbox
from flowalpr.delivery.outbox import Outbox, QueueFullError, QueueTakenError, event_of
from flowalpr.testing import plate_read

FullDisk = Callable[[int], AbstractContextManager[None]]


def opened(folder: Path, most: int = 1000, **options: object) -> Outbox:
    return Outbox(folder, "send", most, **options)  # type: ignore[arg-type]  # checked by the tests that give any


def names(box: Outbox) -> list[str]:
    return [each.event for each in box.oldest(limit=10_000)]


class Queue(RuleBasedStateMachine):
    """An outbox of five beside a list of five; a kill is a copy of its files as they lie, opened in its place."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.folder = self.root / "0"
        self.box = opened(self.folder, 5)
        self.model: list[str] = []
        self.made = 0

    @rule()
    def accept(self) -> None:
        self.made += 1
        self.box.add(str(self.made), "{}")
        self.model = [*self.model, str(self.made)][-5:]

    @rule(count=st.integers(1, 3))
    def send(self, count: int) -> None:
        first = self.box.oldest(limit=count)
        assert [each.event for each in first] == self.model[:count]
        self.box.remove(each.number for each in first)
        self.model = self.model[count:]

    @precondition(lambda self: len(self.model) > 1)
    @rule()
    def send_out_of_order(self) -> None:
        self.box.remove([self.box.oldest(limit=2)[1].number])
        del self.model[1]

    @rule()
    def restart(self) -> None:
        self.box.close()
        self.box = opened(self.folder, 5)

    @rule()
    def kill(self) -> None:
        copy = self.root / str(int(self.folder.name) + 1)
        shutil.copytree(self.folder, copy)
        self.box.close()
        self.folder, self.box = copy, opened(copy, 5)

    @invariant()
    def holds_what_the_list_holds(self) -> None:
        assert names(self.box) == self.model
        assert self.box.waiting() == len(self.model)

    def teardown(self) -> None:
        self.box.close()
        shutil.rmtree(self.root)


TestQueue = pytest.mark.slow(Queue.TestCase)
TestQueue.settings = settings(max_examples=15, stateful_step_count=15, deadline=None)


@pytest.mark.slow
def test_a_killed_process_loses_nothing_that_was_accepted(tmp_path: Path) -> None:
    code = f"""
import os
from pathlib import Path
from flowalpr.delivery.outbox import Outbox
box = Outbox(Path({str(tmp_path)!r}), "send", 1000)
for number in range(50):
    box.add(str(number), "{{}}")
box.remove(each.number for each in box.oldest(limit=10))
os.kill(os.getpid(), 9)
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=30, check=False).returncode == -9
    with closing(opened(tmp_path)) as box:
        assert names(box) == [str(number) for number in range(10, 50)]


def test_the_end_of_a_torn_file_is_cut_off_and_the_rest_is_kept(tmp_path: Path) -> None:
    box = opened(tmp_path / "a")
    for number in range(5):
        box.add(str(number), "{}")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    box.close()
    journal = tmp_path / "b" / "events.db-wal"
    journal.write_bytes(journal.read_bytes()[:-100])
    with closing(opened(tmp_path / "b")) as torn:
        assert names(torn) == ["0", "1", "2", "3"]


@pytest.mark.slow
@pytest.mark.parametrize("damage", [b"this is no database at all" * 200, None])
def test_a_damaged_queue_is_put_aside_aloud(
    tmp_path: Path, damage: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    box = opened(tmp_path)
    for number in range(200):
        box.add(str(number), "x" * 100)
    box.close()
    path = tmp_path / "events.db"
    whole = path.read_bytes()
    path.write_bytes(damage or whole[:4096] + b"\xff" * 8192 + whole[12288:])
    with closing(opened(tmp_path)) as box:
        box.add("new", "{}")
        assert names(box) == ["new"]
    (aside,) = tmp_path.glob("damaged-*.db")
    assert aside.stat().st_size == len(damage or whole)
    assert "is damaged" in caplog.text
    assert str(aside) in caplog.text


def test_a_full_disk_is_said_and_nothing_is_lost_when_there_is_room_again(
    tmp_path: Path, full_disk: FullDisk, caplog: pytest.LogCaptureFixture
) -> None:
    box = opened(tmp_path)
    box.add("0", "{}")
    with full_disk(1):
        box.add("1", '{"text": "SECRET1"}')
        box.add("2", "{}")
        assert names(box) == ["0", "1", "2"]
        box.remove([box.oldest()[0].number])
        assert names(box) == ["1", "2"]
        assert caplog.text.count("cannot be written") == 1
        assert f"df -h {tmp_path}" in caplog.text
    box.save()
    assert "can be written again" in caplog.text
    box.close()
    assert "SECRET1" not in caplog.text
    with closing(opened(tmp_path)) as box:
        assert names(box) == ["1", "2"]


def test_what_is_sent_while_the_disk_is_full_is_not_sent_again(tmp_path: Path, full_disk: FullDisk) -> None:
    box = opened(tmp_path)
    box.add("0", "{}")
    with full_disk(1):
        box.add("1", "{}")
        box.remove(each.number for each in box.oldest(limit=2))
        assert box.waiting() == 0
    box.close()
    with closing(opened(tmp_path)) as box:
        assert names(box) == []


@pytest.mark.slow
@pytest.mark.parametrize("when_full", ["drop_oldest", "refuse"])
def test_of_what_a_full_disk_cannot_take_the_oldest_or_the_newest_goes_as_the_setting_says_and_aloud(
    tmp_path: Path, full_disk: FullDisk, caplog: pytest.LogCaptureFixture, when_full: str
) -> None:
    box, most = opened(tmp_path, 100_000, when_full=when_full), outbox.MOST_UNSAVED
    box.add("kept", "{}")
    with full_disk(1):
        for number in range(most):
            box.add(str(number), "{}")
        if when_full == "refuse":
            with pytest.raises(QueueFullError, match="wait for room on the disk; this one is refused"):
                box.add("more", "{}")
        else:
            box.add("more", "{}")
            assert "wait for room on the disk; the oldest of these are dropped; 1 so far" in caplog.text
    box.close()
    with closing(opened(tmp_path)) as box:
        left = ["kept", *map(str, range(most)), "more"]
        left.remove("0" if when_full == "drop_oldest" else "more")
        assert names(box) == left


def test_a_disk_that_is_full_at_the_start_is_said(tmp_path: Path, full_disk: FullDisk) -> None:
    with full_disk(1), pytest.raises(SetupError, match=r"cannot be used(.|\n)*df -h"):
        opened(tmp_path / "queue")


def test_a_full_queue_drops_its_oldest_aloud(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with closing(opened(tmp_path, 3)) as box:
        for number in range(15):
            box.add(str(number), "{}")
        assert names(box) == ["12", "13", "14"]
        assert box.dropped == 12
    assert "3 events wait to be sent; the oldest are dropped; 1 so far" in caplog.text
    assert caplog.text.count("dropped") == 2  # At the first and at the tenth.


def test_a_full_queue_refuses_the_newest_if_told_to(tmp_path: Path) -> None:
    with closing(opened(tmp_path, 2, when_full="refuse")) as box:
        box.add("0", "{}")
        box.add("1", "{}")
        with pytest.raises(QueueFullError, match="this one is refused"):
            box.add("2", "{}")
        assert names(box) == ["0", "1"]


def test_events_that_are_too_old_are_dropped_but_not_for_a_clock_that_was_not_set(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as box:
        for name in ("1970", "last week", "now"):
            box.add(name, "{}")
    with closing(sqlite3.connect(tmp_path / "events.db")) as database, database:
        database.execute("UPDATE events SET accepted = 60 WHERE event = '1970'")
        database.execute("UPDATE events SET accepted = accepted - 604800 WHERE event = 'last week'")
    with closing(opened(tmp_path, age=timedelta(days=1))) as box:
        assert names(box) == ["1970", "now"]
        assert box.dropped == 1


def test_a_second_user_of_a_queue_is_refused_until_the_first_has_closed_it(tmp_path: Path) -> None:
    first = opened(tmp_path)
    with pytest.raises(QueueTakenError, match=r"in use by node 'send' of process \d+(.|\n)*`queue` of its own"):
        opened(tmp_path)
    first.close()
    opened(tmp_path).close()


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    with closing(opened(tmp_path / "queue")) as box:
        box.add("0", "{}")
        assert {path.stat().st_mode & 0o777 for path in (tmp_path / "queue").iterdir()} == {0o600}
        assert (tmp_path / "queue").stat().st_mode & 0o777 == 0o700


def test_a_plate_that_was_sent_is_in_no_file_any_more(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as box:
        for number in range(50):
            box.add(*event_of(plate_read(f"SECRET{number}").record()))
        box.remove(each.number for each in box.oldest(limit=49))
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"SECRET49" in kept
    assert b"SECRET1" not in kept


def test_the_same_record_is_the_same_event_and_another_is_not() -> None:
    record = plate_read("A\udc80").record()
    event, payload = event_of(record)
    assert event_of(dict(reversed(record.items())))[0] == event
    assert event_of({**record, "stage": "final"})[0] != event
    assert json.loads(payload.encode()) == {"schema": 1, "event": event, **record}


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        event_of({"confidence": float("nan")})
