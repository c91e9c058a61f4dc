"""The node `alert`: what a person should look at now."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

import flowalpr
from flowalpr import END_OF_TIME, Fault, Listed
from flowalpr.alerts import acknowledge, open_alerts
from flowalpr.testing import feed, plate_read
from flowalpr_builtin.filters.alert import Alert


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state folder of the flow `park`."""
    monkeypatch.setenv("FLOWALPR_STATE", str(tmp_path))
    return tmp_path / "park"


def placed() -> Alert:
    node = Alert()
    node.place("alarm", flow="park")
    return node


def alerts(node: Alert, *reads: flowalpr.PlateRead) -> list[flowalpr.Alert]:
    return [each for each in feed(node, *reads) if isinstance(each, flowalpr.Alert)]


def test_a_car_raises_one_alert_while_it_is_there() -> None:
    node = Alert(severity="high")
    assert [each.severity for each in alerts(node, *(plate_read("AB123", at=at) for at in range(0, 600, 60)))] == [
        "high"
    ]
    assert node.tallies() == {"high": 1}


def test_one_that_was_away_for_long_enough_raises_another() -> None:
    reads = [plate_read("AB123", at=0), plate_read("AB123", at=301), plate_read("CD456", at=302)]
    assert len(alerts(Alert(), *reads)) == 3


def test_it_says_what_it_is_about() -> None:
    read = replace(plate_read("AB123"), listed=(Listed("stolen", "AB123", "alert", "since May"),))
    node = Alert()
    node.place("strangers")
    assert [each.label for each in alerts(node, read)] == ["since May"]
    assert [each.label for each in alerts(node, plate_read("CD456"))] == ["strangers"]
    assert [each.label for each in alerts(Alert(label="stolen car"), read)] == ["stolen car"]


def test_its_record_is_plain_json_with_the_read_in_it() -> None:
    (alert,) = alerts(Alert(), plate_read("AB123", camera="gate"))
    record = json.loads(json.dumps(alert.record()))
    assert (record["type"], record["camera"], record["read"]["text"]) == ("Alert", "gate", "AB123")
    assert record["id"] == alert.id != alert.read.id
    assert "AB123" not in repr(alert)


def test_an_alert_stays_open_until_it_is_acknowledged(state: Path) -> None:
    (alert,) = alerts(placed(), plate_read("AB123"))
    assert [each.id for each in open_alerts(state)] == [alert.id]
    acknowledge(state, alert.id, "Ann")
    assert not open_alerts(state)


def test_a_car_that_still_stands_there_after_a_restart_raises_none_anew(state: Path) -> None:
    assert alerts(placed(), plate_read("AB123", at=0))
    assert not alerts(placed(), plate_read("AB123", at=60), plate_read("A8123", at=120))
    assert len(alerts(placed(), plate_read("CD456", at=60), plate_read("AB123", at=60, camera="other"))) == 2
    assert len(open_alerts(state)) == 3


def test_a_full_disk_holds_no_alert_back_and_all_are_kept_when_there_is_room(
    state: Path, full_disk: Callable[[int], AbstractContextManager[None]]
) -> None:
    node = placed()
    node.open()
    with full_disk(100):
        given = [node.process(plate_read(text)) for text in ("AB123", "CD456")]
        assert all(given)
        faults = [*node.due(plate_read().stamp.time), *node.due(plate_read().stamp.time)]
    assert len(faults) == 1
    assert isinstance(faults[0], Fault)
    assert "alerts cannot be kept" in faults[0].error
    assert "AB123" not in faults[0].error
    assert not list(node.due(END_OF_TIME))
    node.close()
    assert {each.text for each in open_alerts(state)} == {"AB123", "CD456"}
