"""`flowalpr doctor`: words, JSON and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flowalpr.cli.main import app

FLOW = """
flow: gate
nodes:
  tick: {{uses: timer, with: {{every: 1 s}}}}
  file: {{uses: lines, from: tick, with: {{path: ticks.jsonl}}}}
  tell: {{uses: mqtt, from: tick, with: {{host: 127.0.0.1, port: 1, user: ann, password: "{password}"}}}}
"""


@pytest.fixture
def flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FLOWALPR_STATE", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "password").write_text("opensesame")
    path = tmp_path / "gate.yaml"
    path.write_text(FLOW.format(password=f"file:{tmp_path / 'password'}"))
    return path


def doctor(*words: str) -> Result:
    return CliRunner().invoke(app, ["doctor", *words], catch_exceptions=False)


def test_what_is_wrong_is_told_with_its_remedy_and_ends_with_1(flow: Path) -> None:
    (flow.parent / "password").chmod(0o644)
    result = doctor(str(flow))
    assert result.exit_code == 1
    assert "tell (mqtt)\n  wrong    the broker 127.0.0.1:1 refuses the connection" in result.output
    assert f"warning  tell.password: others may read {flow.parent / 'password'}" in result.output
    assert f"to fix    chmod 600 {flow.parent / 'password'}" in result.output
    assert "opensesame" not in result.output


def test_a_missing_secret_is_told_once_and_as_json(flow: Path) -> None:
    flow.write_text(FLOW.format(password="env:NOWHERE_AT_ALL"))
    result = doctor(str(flow), "--json")
    told = json.loads(result.output)
    assert not told["ok"]
    wrong = [(each["part"], each["what"]) for each in told["findings"] if each["level"] == "wrong"]
    assert wrong == [("secrets", "tell.password: the environment variable NOWHERE_AT_ALL is not set")]


def test_without_a_flow_the_machine_and_the_models_are_examined(flow: Path) -> None:
    told = json.loads(doctor("--json").output)
    assert {each["part"] for each in told["findings"]} == {"machine", "installation", "places", "models"}
    assert [each["level"] for each in told["findings"] if each["part"] == "models"] == ["ok"] * 3
