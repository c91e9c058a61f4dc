"""Files of lines: what is in them, and what a crash, a full disk or a hostile text does to them."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from flowalpr import SetupError
from flowalpr.testing import feed, plate_frame, plate_read
from flowalpr_builtin.sinks.lines import Lines

HOSTILE = ["A" * 500, "🚗🚓", "'; DROP TABLE reads;--", "../../etc/passwd", 'a"b,c\nd\r\ne\u2028f\x85g', "\udc80", ""]


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_each_message_becomes_a_json_object_of_its_record(tmp_path: Path) -> None:
    path = tmp_path / "new" / "reads.jsonl"
    messages = [plate_read("AB123CD"), plate_frame(), plate_read("京A12345")]
    feed(Lines(path=path), *messages)
    assert records(path) == [message.record() for message in messages]
    assert "京A12345" in path.read_text(encoding="utf-8")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_table_has_one_heading_also_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "reads.csv"
    for text in ("AB1", "CD2"):
        feed(Lines(path=path), plate_read(text), plate_read(text))
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["text"] for row in rows] == ["AB1", "AB1", "CD2", "CD2"]
    assert rows[0]["box"] == "[19, 15, 26, 6]"
    assert rows[0]["country"] == ""


@pytest.mark.parametrize("megabytes", [100.0, 0.0005])
def test_a_node_that_replaces_another_goes_on_in_its_table(tmp_path: Path, megabytes: float) -> None:
    path = tmp_path / "reads.csv"
    old, new = (Lines(path=path, megabytes=megabytes) for _ in range(2))
    old.open()
    new.open()
    for node, text in ((old, "AB1"), (old, "CD2"), (old, "EF3"), (new, "GH4")):
        if node is new:
            old.close()
        node.process(plate_read(text))
    new.close()
    files = sorted(tmp_path.glob("*.csv"))
    rows = [row for each in files for row in csv.DictReader(each.read_text().splitlines())]
    assert sorted(row["text"] for row in rows) == ["AB1", "CD2", "EF3", "GH4"]
    assert ",GH4," in path.read_text()


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_one_line_and_comes_back(tmp_path: Path, text: str) -> None:
    lines, table = tmp_path / "reads.jsonl", tmp_path / "reads.csv"
    for path in (lines, table):
        feed(Lines(path=path), plate_read(text), plate_read("AFTER"))
    assert [record["text"] for record in records(lines)] == [text, "AFTER"]
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(table.read_text(encoding="utf-8").splitlines()) == 3
    assert rows[1]["text"] == "AFTER"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.text(max_size=20))
def test_whatever_is_read_comes_back_from_the_lines(tmp_path: Path, text: str) -> None:
    path = tmp_path / "reads.jsonl"
    path.unlink(missing_ok=True)
    feed(Lines(path=path), plate_read(text))
    assert [record["text"] for record in records(path)] == [text]


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_a_spreadsheet_finds_no_formula_in_a_table(tmp_path: Path, text: str) -> None:
    path = tmp_path / "reads.csv"
    feed(Lines(path=path), plate_read(text))
    with path.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["text"].startswith("'")


@pytest.mark.parametrize("torn", [b'{"type":"PlateRe', b"x" * 200_000])
def test_a_torn_last_line_is_cut_off_and_said(tmp_path: Path, torn: bytes, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "reads.jsonl"
    feed(Lines(path=path), plate_read("AB1"))
    path.write_bytes(path.read_bytes() + torn)
    feed(Lines(path=path), plate_read("CD2"))
    assert [record["text"] for record in records(path)] == ["AB1", "CD2"]
    assert f"its {len(torn)} bytes were cut off" in caplog.text


def test_a_file_torn_in_its_first_line_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "reads.csv"
    path.write_bytes(b"type,id,ti")
    feed(Lines(path=path), plate_read("AB1"))
    with path.open(newline="") as file:
        assert [row["text"] for row in csv.DictReader(file)] == ["AB1"]


@pytest.mark.slow
def test_a_killed_process_loses_no_line_that_it_had_taken(tmp_path: Path) -> None:
    path = tmp_path / "reads.jsonl"
    code = f"""
import os
from flowalpr.testing import plate_read
from flowalpr_builtin.sinks.lines import Lines
node = Lines(path={str(path)!r})
node.open()
for number in range(100):
    node.process(plate_read(f"AB{{number}}"))
os.kill(os.getpid(), 9)
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=30, check=False).returncode == -9
    assert len(records(path)) == 100


def test_a_full_file_makes_room_and_only_so_many_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "reads.jsonl"
    size = len(json.dumps(plate_read("AB0").record()))
    feed(Lines(path=path, megabytes=2.5 * size / 1e6, keep=2), *(plate_read(f"AB{n}") for n in range(14)))
    assert sorted(each.name for each in tmp_path.iterdir()) == ["reads.1.jsonl", "reads.2.jsonl", "reads.jsonl"]
    kept = [
        record["text"] for name in ("reads.2", "reads.1", "reads") for record in records(tmp_path / f"{name}.jsonl")
    ]
    assert kept == [f"AB{n}" for n in range(14 - len(kept), 14)]


def test_an_old_file_makes_room_also_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "reads.jsonl"
    feed(Lines(path=path, age="1 h"), plate_read("AB1", at=0), plate_read("AB2", at=3599))
    feed(Lines(path=path, age="1 h"), plate_read("AB3", at=3600))
    assert [record["text"] for record in records(tmp_path / "reads.1.jsonl")] == ["AB1", "AB2"]
    assert [record["text"] for record in records(path)] == ["AB3"]


@pytest.mark.parametrize("name", ["reads.jsonl", "reads.csv"])
def test_lines_go_when_their_time_has_come_though_nothing_else_comes(tmp_path: Path, name: str) -> None:
    path, begin = tmp_path / name, plate_read(at=0).stamp.time
    node = Lines(path=path, keep=2, keep_for="3 h")
    node.open()
    for hour in range(3):
        node.process(plate_read(f"AB{hour}", at=3600 * hour))
    node.close()
    node.open()
    left = {}
    for minutes in (170, 180, 240, 300, 400):
        node.due(begin + timedelta(minutes=minutes))
        left[minutes] = {text for text in ("AB0", "AB1", "AB2") for each in _there(tmp_path) if text in each}
    node.close()
    assert left == {170: {"AB0", "AB1", "AB2"}, 180: {"AB1", "AB2"}, 240: {"AB2"}, 300: set(), 400: set()}


def _there(folder: Path) -> list[str]:
    return [each.read_text() for each in folder.iterdir()]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 90), min_size=1, max_size=20), st.integers(0, 4))
def test_no_line_is_ever_older_than_it_may_be(tmp_path: Path, gaps: list[int], keep: int) -> None:
    for each in tmp_path.iterdir():
        each.unlink()
    node, at = Lines(path=tmp_path / "reads.jsonl", keep=keep, keep_for="2 h"), 0
    node.open()
    for gap in gaps:
        for _ in range(gap):
            at += 1
            node.due(plate_read(at=60 * at).stamp.time)
        node.process(plate_read(f"M{at}", at=60 * at))
        kept = [int(json.loads(line)["text"][1:]) for text in _there(tmp_path) for line in text.splitlines()]
        assert all(at - each <= 120 for each in kept)
        assert at in kept
    node.close()


@pytest.mark.parametrize("name", ["reads.jsonl", "reads.csv"])
def test_a_full_disk_is_said_with_the_path_and_leaves_whole_lines(
    tmp_path: Path, name: str, full_disk: Callable[[int], AbstractContextManager[None]]
) -> None:
    path = tmp_path / name
    node = Lines(path=path)
    node.open()
    node.process(plate_read("AB1"))
    with full_disk(path.stat().st_size + 50), pytest.raises(OSError, match=name):
        node.process(plate_read("AB2"))
    node.process(plate_read("AB3"))
    node.close()
    lines = path.read_text().splitlines()
    assert ["AB1" in lines[-2], "AB3" in lines[-1]] == [True, True]
    assert "AB2" not in path.read_text()


def test_a_device_that_is_always_full_is_said_with_its_path() -> None:
    with pytest.raises(OSError, match=r"No space left on device: '/dev/full'"):
        feed(Lines(path="/dev/full"), plate_read("AB1"))


def test_a_path_that_cannot_be_written_is_told_before_the_first_read(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "reads.jsonl", Path("/proc/reads.jsonl")):
        with pytest.raises(SetupError, match=r"cannot be written"):
            feed(Lines(path=path))


def test_a_read_only_file_is_told_before_the_first_read(
    nobody: tuple[Path, Callable[[], AbstractContextManager[None]]],
) -> None:
    folder, unprivileged = nobody
    with unprivileged(), pytest.raises(SetupError, match=r"cannot be written: Permission denied"):
        feed(Lines(path=folder / "reads.jsonl"))


def test_a_table_takes_messages_of_one_kind_only(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"for several kinds of messages use \.jsonl"):
        feed(Lines(path=tmp_path / "reads.csv"), plate_read(), plate_frame())


def test_a_table_of_other_columns_is_kept_and_a_new_one_begun(tmp_path: Path) -> None:
    path = tmp_path / "reads.csv"
    path.write_text("time,plate\n1,AB1\n")
    feed(Lines(path=path), plate_read("CD2"))
    assert (tmp_path / "reads.1.csv").read_text() == "time,plate\n1,AB1\n"
    assert "CD2" in path.read_text()


@pytest.mark.parametrize(
    "setting", [{"path": "reads.txt"}, {"megabytes": 0}, {"keep": -1}, {"age": "0 s"}, {"keep_for": "0 s"}]
)
def test_a_setting_that_means_nothing_is_refused(setting: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Lines(**{"path": "reads.jsonl", **setting})
