"""`flowalpr audit`: what is shown of the log, and what its exit code says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flowalpr.cli.main import app
from flowalpr.storage.audit import AuditLog, Who


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    log = AuditLog(tmp_path / "audit")
    log.record("search", Who("anna", "gate-pc", "operator"), plate="KX73ZZZ", why="case 114", about={"found": 2})
    log.record("erase", Who("ben"), plate="AB12CDE", why="request")
    return log


def audit(log: AuditLog, *arguments: str) -> Result:
    runner = CliRunner(env={"COLUMNS": "200", "FLOWALPR_AUDIT": str(log.folder)})
    return runner.invoke(app, ["audit", *arguments], catch_exceptions=False)


def test_a_whole_log_ends_with_0_and_gives_an_anchor(log: AuditLog) -> None:
    done = audit(log, "verify", "--json")
    assert done.exit_code == 0
    anchor = json.loads(done.output)["anchor"]
    assert audit(log, "verify", "--anchor", anchor).exit_code == 0
    assert f"2 entries are as they were written; anchor {anchor}" in audit(log, "verify").output


def test_an_altered_log_ends_with_1_and_names_the_entry(log: AuditLog) -> None:
    path = log.folder / "audit.jsonl"
    path.write_bytes(path.read_bytes().replace(b"anna", b"hans"))
    done = audit(log, "verify")
    assert done.exit_code == 1
    assert done.output.startswith("entry 1 (line 1) was altered\nthe audit log is NOT whole: 1 entries")


def test_a_report_shows_who_did_what_and_no_plate(log: AuditLog) -> None:
    shown = audit(log, "report").output
    assert "anna (operator)" in shown
    assert "case 114" in shown
    assert "KX73ZZZ" not in shown
    assert len(shown.splitlines()) == 3


def test_a_report_of_one_plate_is_that_of_its_entries(log: AuditLog) -> None:
    shown = audit(log, "report", "--plate", "ab12 cde", "--json").output
    assert [json.loads(line)["user"] for line in shown.splitlines()] == ["ben"]


def test_a_purpose_can_be_required_and_months_forgotten(log: AuditLog) -> None:
    assert audit(log, "require", "search", "export").output == "a purpose is asked for: search, export\n"
    assert audit(log, "forget", "2099-01").exit_code == 0
    assert log.pseudonyms("KX73ZZZ") == frozenset()
    assert audit(log, "forget", "soon").exit_code == 2
    assert [entry.action for entry in log.entries()][2:] == ["purposes required", "pseudonyms forgotten"]
