"""Reads in a store: each once, none lost, whatever happens to the disk."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flowalpr import END_OF_TIME, PlateRead, SetupError
from flowalpr.storage import Query, ReadStore, StoreAddress
from flowalpr.storage.writer import BATCH, MOST_WAITING
from flowalpr.testing import NOON, feed, passage, plate_read
from flowalpr_builtin.sinks.store import Store


@pytest.fixture(autouse=True)
def keys_of_this_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWALPR_STATE", str(tmp_path / "state"))


def stored(path: Path, **settings: object) -> list[str]:
    """The texts in a store, in the order of their storing."""
    with ReadStore(StoreAddress(path, **settings)) as store:  # type: ignore[arg-type]
        return [read.text for read in sorted(store.iterate(Query()), key=lambda read: read.number)]


def count(path: Path) -> int:
    """How many reads are in a store's file, without opening any."""
    with closing(sqlite3.connect(path)) as database:
        return int(database.execute("SELECT count(*) FROM reads").fetchone()[0])


def opened(path: Path) -> Store:
    node = Store(path=path)
    node.open()
    return node


def test_a_read_is_stored_with_its_picture_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "plates.db"
    read = replace(plate_read("AB123CD", 0.9, camera="gate", number=7, at=0.5), country="GB", repairs=("1: 4 -> A",))
    feed(Store(path=path), read)
    with ReadStore(StoreAddress(path)) as store:
        record = store.search(Query())[0].record()
        assert store.picture(read.id).startswith(b"\xff\xd8")
    assert [record[name] for name in ("id", "text", "repairs", "pictures")] == [
        read.id,
        "AB123CD",
        ["1: 4 -> A"],
        ["crop"],
    ]
    assert path.stat().st_mode & 0o777 == 0o600


def test_which_pictures_are_kept_is_a_setting(tmp_path: Path) -> None:
    for kinds in ((), ("frame",), ("crop", "frame")):
        path = tmp_path / f"{len(kinds)}.db"
        feed(Store(path=path, crops="crop" in kinds, frames="frame" in kinds), plate_read("AB1"))
        with ReadStore(StoreAddress(path)) as store:
            assert store.search(Query())[0].pictures == kinds


def test_the_same_read_is_stored_once_also_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "plates.db"
    read = plate_read("AB1")
    feed(Store(path=path), read, read)
    feed(Store(path=path), read, plate_read("CD2"))
    assert stored(path) == ["AB1", "CD2"]


def test_a_passage_has_one_entry_with_its_latest_account(tmp_path: Path) -> None:
    path = tmp_path / "plates.db"
    preview = replace(passage("AB123"), stage="preview", seen=1)
    final = replace(preview, text="AB124", stage="final", seen=3)
    gone = replace(final, stage="gone", seen=9, direction="in")
    feed(Store(path=path), preview, final)
    feed(Store(path=path), gone, passage("", 0.0, reason="too small", at=-1))
    with ReadStore(StoreAddress(path)) as store:
        records = [each.record() for each in store.search(Query())]
    names = ("text", "reason", "stage", "seen", "direction", "readings")
    assert [[each.get(name) for name in names] for each in records] == [
        ["AB124", "read", "gone", 9, "in", [["AB123", 3]]],
        ["", "too small", "final", 10, None, None],
    ]


def test_what_no_database_holds_does_not_stop_the_others(tmp_path: Path) -> None:
    feed(Store(path=tmp_path / "plates.db"), plate_read("A\udc80\x00"), plate_read("CD2", np.float32(0.5)))
    assert stored(tmp_path / "plates.db") == ["A\\udc80\\x00", "CD2"]


@pytest.mark.parametrize("confidence", [float("nan"), float("inf")])
def test_a_value_that_no_database_holds_is_refused_at_once(tmp_path: Path, confidence: float) -> None:
    node = opened(tmp_path / "plates.db")
    with pytest.raises(ValueError, match="a read's confidence is no number"):
        node.process(replace(plate_read("AB1"), confidence=confidence))
    with pytest.raises(ValueError, match="a number that is none"):
        node.process(replace(plate_read("AB1"), detection=replace(plate_read().detection, confidence=confidence)))
    node.process(plate_read("CD2"))
    node.close()
    assert stored(tmp_path / "plates.db") == ["CD2"]


def test_reads_are_written_many_at_once_and_at_the_latest_when_due(tmp_path: Path) -> None:
    path = tmp_path / "plates.db"
    node = opened(path)
    for number in range(BATCH - 1):
        node.process(plate_read(f"AB{number}"))
    assert count(path) == 0
    node.process(plate_read("LAST"))
    assert count(path) == BATCH
    node.process(plate_read("ONE MORE"))
    node.due(NOON)
    assert count(path) == BATCH + 1
    node.close()


@pytest.mark.slow
def test_a_killed_process_loses_nothing_that_was_due(tmp_path: Path) -> None:
    path = tmp_path / "plates.db"
    code = f"""
import os
from flowalpr.testing import NOON, plate_read
from flowalpr_builtin.sinks.store import Store
node = Store(path={str(path)!r})
node.open()
for number in range(100):
    node.process(plate_read(f"AB{{number}}"))
node.due(NOON)
os.kill(os.getpid(), 9)
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=30, check=False).returncode == -9
    assert count(path) == 100


def test_a_full_disk_is_said_with_a_remedy_and_no_read_is_lost(
    tmp_path: Path, full_disk: Callable[[int], AbstractContextManager[None]], caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "plates.db"
    node = opened(path)
    node.process(plate_read("AB1"))
    node.due(NOON)
    with full_disk(1):
        node.process(plate_read("CD2"))
        with pytest.raises(SetupError) as caught:
            node.due(NOON)
    assert "1 reads wait" in str(caught.value)
    assert f"df -h {tmp_path}" in str(caught.value)
    assert "CD2" not in str(caught.value)
    node.process(plate_read("EF3"))
    node.due(NOON)  # It is told once, and then tried again at the end.
    node.due(END_OF_TIME)
    assert stored(path) == ["AB1", "CD2", "EF3"]
    assert "no read was lost" in caplog.text
    node.close()


@pytest.mark.slow
def test_a_locked_database_is_waited_for_and_no_read_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "plates.db"
    node = opened(path)
    node.process(plate_read("AB1"))
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(SetupError, match=r"locked"):
            node.due(NOON)
        node.due(NOON)  # It rests; no second wait, no second complaint.
        assert other.execute("SELECT count(*) FROM reads").fetchone() == (0,)
        other.rollback()
    node.close()
    assert stored(path) == ["AB1"]


def test_when_nothing_can_be_written_for_long_the_next_read_is_refused_aloud(
    tmp_path: Path, full_disk: Callable[[int], AbstractContextManager[None]]
) -> None:
    node = Store(path=tmp_path / "plates.db", crops=False)
    node.open()
    writer = node._writer
    assert writer
    read = plate_read("AB1")
    for number in range(BATCH - 1):
        writer.add(replace(read, id=str(number)))
    with full_disk(1):
        writer.add(replace(read, id="taken, though nothing could be written"))
        with pytest.raises(SetupError, match=r"500 reads wait"):
            node.due(NOON)
        for number in range(BATCH, MOST_WAITING):
            writer.add(replace(read, id=str(number)))
        with pytest.raises(SetupError, match=r"10000 reads wait"):
            writer.add(replace(read, id="refused"))
    node.close()
    assert count(tmp_path / "plates.db") == MOST_WAITING


def test_closing_says_how_many_reads_are_lost(
    tmp_path: Path, full_disk: Callable[[int], AbstractContextManager[None]]
) -> None:
    node = opened(tmp_path / "plates.db")
    node.process(plate_read("AB1"))
    with full_disk(1), pytest.raises(SetupError, match=r"1 reads are lost(.|\n)*df -h"):
        node.close()


def test_a_read_only_database_is_told_before_the_first_read(
    nobody: tuple[Path, Callable[[], AbstractContextManager[None]]],
) -> None:
    folder, unprivileged = nobody
    with unprivileged(), pytest.raises(SetupError, match=r"make the file and its folder writable"):
        opened(folder / "plates.db")


def test_a_database_that_may_only_be_read_is_told_before_the_first_read(tmp_path: Path) -> None:
    path = tmp_path / "plates.db"
    feed(Store(path=path), plate_read("AB1"))
    writable = path.read_bytes()
    head = bytearray(writable)
    head[18] = 3  # A later write version: SQLite may read this file, but not write it (SQLite, Database File Format).
    path.write_bytes(head)
    with pytest.raises(SetupError, match=r"readonly(.|\n)*make the file and its folder writable"):
        opened(path)
    assert path.read_bytes() == head


def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "holiday.jpg"
    path.write_bytes(b"a picture, and not a small one" * 100)
    with pytest.raises(SetupError, match=r"name another file; this one is left as it is"):
        opened(path)
    assert path.read_bytes() == b"a picture, and not a small one" * 100


def test_a_url_is_a_secret_that_no_error_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'other.db'}")
    feed(Store(url="env:DATABASE_URL"), plate_read("AB1"))
    (tmp_path / "other.db").chmod(0o600)
    assert stored(tmp_path / "other.db") == ["AB1"]
    for url in ("postgresql+psycopg://gate:hunter2@127.0.0.1:1/plates", "nonsense://gate:hunter2@there", "hunter2"):
        monkeypatch.setenv("DATABASE_URL", url)
        with pytest.raises(SetupError) as caught:
            feed(Store(url="env:DATABASE_URL"))
        assert "hunter2" not in str(caught.value)


def test_only_reads_can_be_wired_in() -> None:
    assert Store.ports().takes == (PlateRead,)


def test_flows_that_make_the_same_database_at_once_all_store_their_reads(tmp_path: Path) -> None:
    path = tmp_path / "plates.db"
    opening = threading.Barrier(6)

    def run(number: int) -> None:
        node = Store(path=path)
        opening.wait(10)
        node.open()
        node.process(plate_read(f"AB{number}"))
        node.due(END_OF_TIME)
        node.close()

    with ThreadPoolExecutor(6) as flows:
        list(flows.map(run, range(6)))
    assert sorted(stored(path)) == [f"AB{number}" for number in range(6)]
