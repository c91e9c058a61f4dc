"""The node `alert`: what a person should look at now."""

from __future__ import annotations

import json
from dataclasses import replace

import flowalpr
from flowalpr import Listed
from flowalpr.testing import feed, plate_read
from flowalpr_builtin.filters.alert import Alert


def alerts(node: Alert, *reads: flowalpr.PlateRead) -> list[flowalpr.Alert]:
    return [each for each in feed(node, *reads) if isinstance(each, flowalpr.Alert)]


def test_a_car_raises_one_alert_while_it_is_there() -> None:
    node = Alert(severity="high")
    assert [each.severity for each in alerts(node, *(plate_read("AB123", at=at) for at in range(0, 600, 60)))] == [
        "high"
    ]
    assert node.tallies() == {"high": 1}
    assert (
        len(alerts(Alert(), plate_read("AB123", at=0), plate_read("AB123", at=301), plate_read("CD456", at=302))) == 3
    )


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
