"""Reads in a database: each once, none lost, whatever happens to the disk."""

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
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowalpr import END_OF_TIME, PlateRead, SetupError
from flowalpr.testing import NOON, feed, passage, plate_read
from flowalpr_builtin.sinks import read_table
from flowalpr_builtin.sinks.store import Store

BOX = "[19, 15, 26, 6]"
HOSTILE = ["A" * 500, "🚗🚓", "'; DROP TABLE reads;--", "../../etc/passwd", "a\nb", ""]


def stored(path: Path, columns: str = "text") -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(f"SELECT {columns} FROM reads ORDER BY rowid").fetchall()


def opened(path: Path) -> Store:
    node = Store(path=path)
    node.open()
    return node


def test_a_read_is_stored_with_all_that_its_record_says(tmp_path: Path) -> None:
    path = tmp_path / "new" / "plates.db"
    read = replace(plate_read("AB123CD", 0.9, camera="gate", number=7, at=0.5), country="GB", repairs=("1: 4 -> A",))
    feed(Store(path=path), read)
    assert stored(path, "id, time, camera, frame, text, confidence, country, repairs, box") == [
        (read.id, "2026-01-01T12:00:00.500000+00:00", "gate", 7, "AB123CD", 0.9, "GB", '["1: 4 -> A"]', BOX)
    ]
    assert path.stat().st_mode & 0o777 == 0o600


def test_text_order_of_times_is_their_order(tmp_path: Path) -> None:
    path = tmp_path / "plates.db"
    feed(Store(path=path), plate_read("SECOND", at=1.5), plate_read("FIRST", at=1))
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT text FROM reads ORDER BY time").fetchall() == [("FIRST",), ("SECOND",)]


def test_the_same_read_is_stored_once_also_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "plates.db"
    read = plate_read("AB1")
    feed(Store(path=path), read, read)
    feed(Store(path=path), read, plate_read("CD2"))
    assert stored(path) == [("AB1",), ("CD2",)]


def test_a_passage_has_one_row_with_its_latest_account(tmp_path: Path) -> None:
    path = tmp_path / "plates.db"
    preview = replace(passage("AB123"), stage="preview", seen=1)
    final = replace(preview, text="AB124", stage="final", seen=3)
    gone = replace(final, stage="gone", seen=9, direction="in")
    feed(Store(path=path), preview, final)
    feed(Store(path=path), gone, passage("", 0.0, reason="too small"))
    assert stored(path, "text, reason, stage, seen, direction, readings, last > first") == [
        ("AB124", "read", "gone", 9, "in", '[["AB123", 3]]', 1),
        ("", "too small", "final", 10, None, "[]", 1),
    ]


def test_a_database_of_the_first_version_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "plates.db"
    feed(Store(path=path), plate_read("OLD1"))
    with closing(sqlite3.connect(path)) as database, database:
        for column in ("reason", "stage", "first", "last", "sharp", "seen", "reads", "direction", "readings"):
            database.execute(f'ALTER TABLE reads DROP COLUMN "{column}"')
        database.execute("UPDATE flowalpr_schema SET version = 1")
    feed(Store(path=path), passage("NEW2"))
    assert stored(path, "text, reason") == [("OLD1", None), ("NEW2", "read")]
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT version FROM flowalpr_schema").fetchall() == [(2,)]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_stored_as_it_is(tmp_path: Path, text: str) -> None:
    feed(Store(path=tmp_path / "plates.db"), plate_read(text, camera=text))
    assert stored(tmp_path / "plates.db", "text, camera") == [(text, text)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20), max_size=8))
@pytest.mark.slow
def test_whatever_is_read_is_stored_in_its_order(tmp_path: Path, texts: list[str]) -> None:
    path = tmp_path / "plates.db"
    path.unlink(missing_ok=True)
    feed(Store(path=path), *map(plate_read, texts))
    assert stored(path) == [(text,) for text in texts]


def test_what_no_database_holds_does_not_stop_the_others(tmp_path: Path) -> None:
    feed(Store(path=tmp_path / "plates.db"), plate_read("A\udc80\x00"), plate_read("CD2", np.float32(0.5)))
    assert stored(tmp_path / "plates.db", "text, confidence") == [("A\\udc80\\x00", 0.9), ("CD2", 0.5)]


@pytest.mark.parametrize("change", [{"confidence": float("nan")}, {"track": 2**63}, {"track": "x"}, {"camera": None}])
def test_a_value_that_no_column_holds_is_refused_at_once(tmp_path: Path, change: dict[str, object]) -> None:
    table = read_table.ReadTable(tmp_path / "plates.db")
    with pytest.raises(ValueError, match=f"a read's {next(iter(change))} is "):
        table.add({**plate_read("AB1").record(), **change})
    table.add(plate_read("CD2").record())
    table.close()
    assert stored(tmp_path / "plates.db") == [("CD2",)]


def test_reads_are_written_many_at_once_and_at_the_latest_when_due(tmp_path: Path) -> None:
    path = tmp_path / "plates.db"
    node = opened(path)
    for number in range(read_table.BATCH - 1):
        node.process(plate_read(f"AB{number}"))
    assert stored(path) == []
    node.process(plate_read("LAST"))
    assert len(stored(path)) == read_table.BATCH
    node.process(plate_read("ONE MORE"))
    node.due(NOON)
    assert len(stored(path)) == read_table.BATCH + 1
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
    assert len(stored(path)) == 100


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
    assert stored(path) == [("AB1",), ("CD2",), ("EF3",)]
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
    assert stored(path) == [("AB1",)]


def test_when_nothing_can_be_written_for_long_the_next_read_is_refused_aloud(
    tmp_path: Path, full_disk: Callable[[int], AbstractContextManager[None]]
) -> None:
    node = opened(tmp_path / "plates.db")
    table = node._table
    assert table
    record = plate_read("AB1").record()
    for number in range(read_table.BATCH - 1):
        table.add({**record, "id": str(number)})
    with full_disk(1):
        table.add({**record, "id": "taken, though nothing could be written"})
        with pytest.raises(SetupError, match=r"500 reads wait"):
            node.due(NOON)
        for number in range(read_table.BATCH, read_table.MOST_WAITING):
            table.add({**record, "id": str(number)})
        with pytest.raises(SetupError, match=r"10000 reads wait"):
            table.add({**record, "id": "refused"})
    node.close()
    assert len(stored(tmp_path / "plates.db")) == read_table.MOST_WAITING


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


def test_a_database_of_a_later_version_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "plates.db"
    feed(Store(path=path))
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE flowalpr_schema SET version = 99")
        database.commit()
    with pytest.raises(SetupError, match=r"later version"):
        opened(path)


def test_a_url_is_a_secret_that_no_error_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'other.db'}")
    feed(Store(url="env:DATABASE_URL"), plate_read("AB1"))
    assert stored(tmp_path / "other.db") == [("AB1",)]
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
    assert sorted(stored(path)) == [(f"AB{number}",) for number in range(6)]
