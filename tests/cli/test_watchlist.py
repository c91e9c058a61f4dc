"""`flowalpr watchlist`: what would match, and why; one more plate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flowalpr.cli.main import app
from flowalpr.errors import FlowError, SetupError
from flowalpr.storage.audit import AuditLog

LIST = """\
plate,label,action,until
BA 123,Flat 3,allow,
8A-123,gone,deny,2020-12-31
BA-I23,also near,allow,
BA-723,farther,alert,
CD-456,,alert,
"""


@pytest.fixture
def residents(tmp_path: Path) -> Path:
    path = tmp_path / "residents.csv"
    path.write_text(LIST)
    return path


def preview(*arguments: str) -> str:
    result = CliRunner(env={"COLUMNS": "150"}).invoke(app, ["watchlist", "preview", *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_it_shows_what_matches_and_what_just_does_not(residents: Path) -> None:
    lines = preview("8a 123", "--list", str(residents)).splitlines()
    assert lines[0] == "8A123 is on the list: allow, Flat 3"
    rows = [" ".join(line.split()) for line in lines[2:]]
    assert rows == [
        "2 BA123 allow Flat 3 0.2 match 1: 8 for B",
        f"3 8A123 deny gone {rows[1].split()[4]} 0.0 expired equal",
        "4 BAI23 allow also near 0.3 too far 1: 8 for B, 3: 1 for I",
        "5 BA723 alert farther 0.8 too far 1: 8 for B, 3: 1 for 7",
    ]


def test_another_distance_matches_others(residents: Path) -> None:
    assert preview("8A123", "--list", str(residents), "--alike", "0.1").startswith("8A123 is not on the list\n")
    record = json.loads(preview("BA1Z3", "--list", str(residents), "--alike", "0.9", "--json"))
    assert [each["verdict"] for each in record["candidates"]] == ["match", "outdone", "expired", "outdone"]


def test_a_plate_like_none_is_told_without_a_table(residents: Path) -> None:
    assert preview("ZZ999", "--list", str(residents)) == "ZZ999 is not on the list\n"


def test_a_broken_list_and_a_wrong_setting_are_errors_for_people(residents: Path) -> None:
    residents.write_text("plate\nAB1\n--\n")
    with pytest.raises(SetupError, match=":3: a plate has 1 to 20 letters and digits"):
        preview("AB1", "--list", str(residents))
    with pytest.raises(FlowError, match="alike"):
        preview("AB1", "--list", str(residents), "--alike", "1")


def test_a_plate_is_added_and_the_audit_log_says_so(
    residents: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FLOWALPR_AUDIT", str(tmp_path / "audit"))
    given = ("add", "zz 999", "--list", str(residents), "--action", "deny", "--label", "owes", "--why", "case 7")
    done = CliRunner().invoke(app, ["watchlist", *given], catch_exceptions=False)
    assert (done.exit_code, done.output) == (0, f"one plate more is on {residents}: deny\n")
    assert preview("ZZ999", "--list", str(residents)).startswith("ZZ999 is on the list: deny, owes")
    (entry,) = AuditLog().entries()
    assert (entry.action, entry.why, entry.about["entry"]) == ("list changed", "case 7", "deny")
    assert entry.plate in AuditLog().pseudonyms("ZZ999")
    assert not any(b"zz" in each.read_bytes().lower() for each in (tmp_path / "audit").glob("*.jsonl"))


def test_what_cannot_be_added_leaves_the_list_as_it_was(
    residents: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FLOWALPR_AUDIT", str(tmp_path / "audit"))
    given = ["watchlist", "add", "ZZ999", "--list", str(residents), "--until", "tomorrow"]
    with pytest.raises(SetupError, match="until is a day"):
        CliRunner().invoke(app, given, catch_exceptions=False)
    assert residents.read_text() == LIST
