"""`flowalpr alerts`: list them, acknowledge them."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flowalpr.alerts import AcknowledgeError, keep
from flowalpr.cli.main import app
from flowalpr.events import Alert
from flowalpr.testing import plate_read


@pytest.fixture
def alert(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Alert:
    monkeypatch.setenv("FLOWALPR_STATE", str(tmp_path))
    alert = Alert("high", "stolen", plate_read("AB123", camera="gate"))
    keep(tmp_path / "park", alert, "alarm", timedelta(days=1))
    return alert


def alerts(*arguments: str) -> str:
    result = CliRunner(env={"COLUMNS": "150"}).invoke(app, ["alerts", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_an_open_alert_is_listed_acknowledged_by_its_first_characters_and_listed_as_done(alert: Alert) -> None:
    heading, row = alerts("list", "park").splitlines()
    assert heading.split() == ["id", "severity", "raised", "camera", "label", "plate"]
    assert [alert.id[:8], "high", "AB123"] == [row.split()[0], row.split()[1], row.split()[-1]]
    assert alerts("acknowledge", "park", alert.id[:8], "--by", "Ann", "--note", "told") == (
        "acknowledged: high, stolen, AB123 at gate\n"
    )
    assert alerts("list", "park") == "no alerts are open\n"
    assert "AB123" not in alerts("list", "park", "--done")
    assert json.loads(alerts("list", "park", "--done", "--json"))[0]["note"] == "told"
    with pytest.raises(AcknowledgeError, match="by Ann"):
        alerts("acknowledge", "park", alert.id)


def test_the_flow_may_be_given_as_its_file(alert: Alert, tmp_path: Path) -> None:
    path = tmp_path / "other.yaml"
    path.write_text("flow: park\nnodes:\n  a: {uses: timer}\n")
    assert alert.id[:8] in alerts("list", str(path))
