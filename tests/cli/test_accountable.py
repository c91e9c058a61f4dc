"""Whoever looks at reads is in the audit log, with the purpose, and without the plate."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flowalpr.cli.main import app
from flowalpr.storage import Query, ReadStore, StoreAddress
from flowalpr.storage.audit import AuditLog, Who
from flowalpr.testing import plate_read

PLATE = "QX73ZZV"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FLOWALPR_STATE", str(tmp_path / "state"))
    path = tmp_path / "plates.db"
    with ReadStore(StoreAddress(path)) as store:
        store.append([plate_read(PLATE)])
    return path


def run(store: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--db", str(store)])


def test_each_look_at_reads_is_recorded_with_its_purpose(store: Path, tmp_path: Path) -> None:
    with ReadStore(StoreAddress(store)) as opened:
        (read,) = opened.search(Query())
    commands = (
        ("reads", "list", "--why", "shift"),
        ("reads", "search", "qx73 zzv", "--why", f"where is {PLATE}?"),
        ("reads", "show", read.id, "--why", "case 114"),
        ("reads", "export", str(tmp_path / "out.csv"), "--why", "case 114"),
        ("reads", "correct", read.id, "QX73ZZ1", "--why", "seen by eye"),
        ("store", "rotate-key", "--why", "yearly"),
    )
    for each in commands:
        done = run(store, *each)
        assert done.exit_code == 0, done.output
    entries = list(AuditLog().entries())
    assert [each.action for each in entries] == ["list", "search", "show", "export", "correct", "key changed"]
    assert entries[1].why == "where is [plate]?"
    assert {each.plate for each in entries[1:3]} == set(AuditLog().pseudonyms(PLATE))
    assert not [path.name for path in AuditLog().folder.iterdir() if PLATE.encode() in path.read_bytes()]


def test_without_a_purpose_nothing_is_shown_where_one_is_required(store: Path) -> None:
    AuditLog().require_purpose(("search",), Who("anna"))
    done = run(store, "reads", "search", PLATE)
    assert PLATE not in done.output
    assert "'search' needs a purpose here" in str(done.exception)


def test_without_room_for_the_log_nothing_is_shown(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWALPR_AUDIT", str(store / "no-folder"))
    done = run(store, "reads", "search", PLATE)
    assert PLATE not in done.output
    assert "no audit log in" in str(done.exception)
