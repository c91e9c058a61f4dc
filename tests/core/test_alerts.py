"""Alerts until somebody has acknowledged them."""

from __future__ import annotations

import json
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from flowalpr.alerts import FILE, AcknowledgeError, acknowledge, acknowledged_alerts, keep, open_alerts
from flowalpr.errors import SetupError
from flowalpr.events import Alert
from flowalpr.testing import plate_read

MONTH = timedelta(days=30)


def raised(folder: Path, text: str, severity: str = "high", at: float = 0, time: timedelta = MONTH) -> Alert:
    alert = Alert(severity, "stolen", plate_read(text, at=at, camera="gate"))
    keep(folder, alert, "alarm", time)
    return alert


def test_an_alert_is_open_until_it_is_acknowledged_once(tmp_path: Path) -> None:
    alert = raised(tmp_path, "AB123")
    assert [(each.id, each.text, each.node) for each in open_alerts(tmp_path)] == [(alert.id, "AB123", "alarm")]
    assert acknowledge(tmp_path, alert.id, "Ann", "police told").text == "AB123"
    assert not open_alerts(tmp_path)
    (closed,) = acknowledged_alerts(tmp_path)
    assert (closed.by, closed.note, closed.read) == ("Ann", "police told", alert.read.id)
    with pytest.raises(AcknowledgeError, match="acknowledged by Ann"):
        acknowledge(tmp_path, alert.id, "Bob")
    with pytest.raises(AcknowledgeError, match="no alert x"):
        acknowledge(tmp_path, "x", "Bob")


def test_the_gravest_come_first_and_of_these_the_latest(tmp_path: Path) -> None:
    for text, severity, at in (("A1", "low", 9), ("B2", "high", 1), ("C3", "medium", 2), ("D4", "high", 3)):
        raised(tmp_path, text, severity, at)
    assert [each.text for each in open_alerts(tmp_path)] == ["D4", "B2", "C3", "A1"]


def test_an_acknowledged_alert_has_no_plate_in_any_byte_of_its_file(tmp_path: Path) -> None:
    alert = raised(tmp_path, "QX77ZYW")
    assert b"QX77ZYW" in (tmp_path / FILE).read_bytes()
    acknowledge(tmp_path, alert.id, "Ann")
    assert not any(b"QX77ZYW" in path.read_bytes() for path in tmp_path.iterdir())
    assert not stat.S_IMODE((tmp_path / FILE).stat().st_mode) & 0o077
    assert "QX77" not in repr(alert) + repr(acknowledged_alerts(tmp_path))


def test_of_many_who_acknowledge_at_once_one_does(tmp_path: Path) -> None:
    alert = raised(tmp_path, "AB123")

    def try_it(name: str) -> str:
        try:
            acknowledge(tmp_path, alert.id, name)
        except AcknowledgeError:
            return ""
        return name

    with ThreadPoolExecutor(8) as pool:
        (winner,) = filter(None, pool.map(try_it, "abcdefgh"))
    assert [each.by for each in acknowledged_alerts(tmp_path)] == [winner]


def test_what_was_kept_for_long_enough_goes_when_the_next_one_comes(tmp_path: Path) -> None:
    raised(tmp_path, "OLD1")
    raised(tmp_path, "NEW1", time=timedelta(0))
    assert [each.text for each in open_alerts(tmp_path)] == ["NEW1"]


def test_the_same_alert_is_kept_once_and_its_record_is_plain_json(tmp_path: Path) -> None:
    alert = raised(tmp_path, "AB123")
    keep(tmp_path, alert, "alarm", MONTH)
    (kept,) = open_alerts(tmp_path)
    assert json.loads(json.dumps(kept.record()))["raised"] == "2026-01-01T12:00:00+00:00"


def test_a_file_of_a_later_version_or_of_something_else_is_left_alone(tmp_path: Path) -> None:
    assert open_alerts(tmp_path / "nothing") == []
    with sqlite3.connect(tmp_path / FILE) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(SetupError, match="later version"):
        open_alerts(tmp_path)
    (tmp_path / FILE).write_bytes(b"no database" * 100)
    with pytest.raises(SetupError, match="cannot be used: file is not a database"):
        open_alerts(tmp_path)
