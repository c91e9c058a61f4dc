"""`flowalpr check`: its exit codes, and what it prints for people and for scripts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flowalpr.cli.main import app
from flowalpr.errors import FlowError

SOUND = "flow: gate\nnodes:\n  gate: {uses: camera, with: {url: 0}}\n  show: {uses: console, from: gate}\n"
WRONG = "nodes:\n  gate: {uses: camra, with: {url: 0}}\n  show: {uses: console, from: gat}\n"


def check(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["check", *arguments])


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sound.yaml").write_text(SOUND)
    Path("wrong.yaml").write_text(WRONG)


def test_a_sound_flow_gets_one_line() -> None:
    result = check("sound.yaml")
    assert (result.exit_code, result.output) == (0, "sound.yaml: flow 'gate' is sound, 2 nodes\n")


def test_scripts_are_told_the_nodes() -> None:
    assert json.loads(check("sound.yaml", "--json").output) == {"ok": True, "flow": "gate", "nodes": ["gate", "show"]}


def test_scripts_are_told_every_mistake_with_its_place() -> None:
    result = check("wrong.yaml", "--json")
    told = json.loads(result.output)
    assert result.exit_code == 2
    assert not told["ok"]
    assert told["problems"][0] == {
        "file": "wrong.yaml",
        "line": 2,
        "column": 16,
        "length": 5,
        "what": "node 'gate': there is no node 'camra'",
        "expected": "",
        "fix": "did you mean 'camera'?",
    }
    assert [problem["line"] for problem in told["problems"]] == [2, 3]


def test_settings_can_be_tried() -> None:
    assert check("sound.yaml", "--set", "gate.stall=3 s").exit_code == 0
    told = json.loads(check("sound.yaml", "--json", "--set", "gate.stall=3").output)
    assert told["problems"][0]["file"] == "--set gate.stall"
    assert told["problems"][0]["line"] is None


def test_without_the_plugin_in_the_box_no_node_is_left() -> None:
    result = check("sound.yaml", "--no-plugin", "builtin")
    assert isinstance(result.exception, FlowError)
    assert "no plugin is installed" in str(result.exception) or "there is no node 'camera'" in str(result.exception)


def test_flows_in_the_box_are_sound() -> None:
    for name in ("first", "parking", "gate", "two-gates"):
        result = check(name)
        assert result.exit_code == 0, result.exception


@pytest.mark.slow
@pytest.mark.parametrize(("flow", "code"), [("sound.yaml", 0), ("wrong.yaml", 2), ("missing.yaml", 2), ("nothing", 2)])
def test_the_exit_code_says_whether_it_is_sound(flow: str, code: int) -> None:
    done = subprocess.run([sys.executable, "-m", "flowalpr", "check", flow], capture_output=True, text=True, timeout=60)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert bool(done.stderr) == bool(code)
