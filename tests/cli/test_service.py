"""`flowalpr service` with systemd's own command replaced by one that writes down what it is told."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flowalpr.cli.main import app
from flowalpr.errors import FlowalprError, FlowError

SYSTEMCTL = """#!/bin/sh
echo "$@" >> "$CALLS"
case "$2" in
  is-system-running) echo "${MANAGER:-running}" ;;
  show) printf 'Id=%s\\nActiveState=%s\\nSubState=running\\nNRestarts=2\\nMainPID=7\\nStatusText=gate gave 5\\n' \\
    "$3" "${ACTIVE:-active}" ;;
esac
"""
FLOW = """
flow: gate
nodes:
  tick: {uses: timer, with: {every: 1 s}}
  file: {uses: lines, from: tick, with: {path: ticks.jsonl}}
"""
CAMERA = "timer, with: {every: 1 s}", "camera, with: {url: 0}"
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `flowalpr service` in an empty folder and with a manager that only listens."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "systemctl").write_text(SYSTEMCTL)
    (programs / "systemctl").chmod(0o755)
    for name, value in {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "CALLS": str(tmp_path / "calls"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "FLOWALPR_STATE": str(tmp_path / "state"),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gate.yaml").write_text(FLOW)

    def service(*words: str) -> Result:
        result = CliRunner().invoke(app, ["service", *words])
        if isinstance(result.exception, FlowalprError):
            raise result.exception
        return result

    return service


def test_install_writes_a_unit_starts_it_and_makes_its_folder(run: Run, tmp_path: Path) -> None:
    printed = run("install", "gate.yaml", "--user").output
    unit = tmp_path / "config/systemd/user/flowalpr-gate.service"
    assert f"{unit} runs {tmp_path / 'gate.yaml'} in {tmp_path / 'state/gate'}" in printed
    assert f"WorkingDirectory={tmp_path / 'state/gate'}" in unit.read_text().splitlines()
    assert (tmp_path / "state/gate").is_dir()
    told = (tmp_path / "calls").read_text().splitlines()
    wanted = ["is-system-running", "daemon-reload", "enable flowalpr-gate.service", "restart flowalpr-gate.service"]
    assert told == [f"--user {each}" for each in wanted]
    assert run("show", "gate", "--user").output == unit.read_text()


def test_print_shows_the_unit_and_changes_nothing(run: Run, tmp_path: Path) -> None:
    before = set(tmp_path.rglob("*"))
    printed = run("install", "gate.yaml", "--user", "--print", "--set", "tick.count=3").stdout
    assert "run " + str(tmp_path / "gate.yaml") + " --summary none --set tick.count=3" in printed
    assert set(tmp_path.rglob("*")) == before


def test_uninstall_stops_the_service_and_keeps_what_was_stored(run: Run, tmp_path: Path) -> None:
    run("install", "gate.yaml", "--user")
    assert str(tmp_path / "state") in run("uninstall", "gate", "--user").output
    assert not (tmp_path / "config/systemd/user/flowalpr-gate.service").exists()
    assert (tmp_path / "state/gate").is_dir()
    assert "--user disable --now flowalpr-gate.service" in (tmp_path / "calls").read_text().splitlines()
    with pytest.raises(FlowalprError, match="installed are: none"):
        run("uninstall", "gate", "--user")


def test_status_tells_of_all_services_in_words_and_as_json(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("install", "gate.yaml", "--user")
    words = run("status", "--user")
    assert "flowalpr-gate.service: active (running), restarted 2 times" in words.output
    assert "gate gave 5" in words.output
    assert words.exit_code == 0
    (record,) = json.loads(run("status", "gate", "--user", "--json").output)
    assert (record["active"], record["restarts"], record["process"]) == ("active", 2, 7)
    monkeypatch.setenv("ACTIVE", "failed")
    assert run("status", "--user").exit_code == 1


def test_where_no_systemd_runs_the_unit_can_still_be_printed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MANAGER", "offline")
    assert "[Service]" in run("install", "gate.yaml", "--user", "--print").output
    with pytest.raises(FlowalprError, match="--print"):
        run("install", "gate.yaml", "--user")


def test_a_wrong_flow_is_no_service(run: Run, tmp_path: Path) -> None:
    (tmp_path / "gate.yaml").write_text(FLOW.replace("lines", "linse"))
    with pytest.raises(FlowError, match="did you mean 'lines'"):
        run("install", "gate.yaml", "--user")
    assert not (tmp_path / "config").exists()


@pytest.mark.parametrize(
    ("flow", "options", "said"),
    [
        (FLOW.replace("timer, with: {every: 1 s}", "images, with: {path: cars}"), (), r"\$\{FLOW_DIR\}/cars"),
        (FLOW.replace(*CAMERA), ("--set", "tick.url=rtsp://ann:opensesame@10.0.0.5/main"), "seen by everybody"),
        (
            "flow: gate\nnodes:\n  a: {uses: timer, with: {every: 1 s}}\n"
            '  b: {uses: webhook, from: a, with: {url: "https://example.org", token: "env:TOKEN"}}\n',
            (),
            "TOKEN=... into it",
        ),
    ],
    ids=["input in another folder", "password on the command line", "variable that nobody sets"],
)
def test_what_would_not_work_is_said_before_anything_is_written(
    run: Run, tmp_path: Path, flow: str, options: tuple[str, ...], said: str
) -> None:
    (tmp_path / "cars").mkdir()
    (tmp_path / "gate.yaml").write_text(flow)
    with pytest.raises(FlowalprError, match=said) as error:
        run("install", "gate.yaml", "--user", *options)
    assert "opensesame" not in str(error.value)
    assert not (tmp_path / "config").exists()


def test_variables_of_a_service_come_from_its_own_file(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gate.yaml").write_text(FLOW.replace("every: 1 s", 'every: 1 s, count: "${COUNT}"'))
    monkeypatch.setenv("COUNT", "3")  # That of the shell is not the service's.
    with pytest.raises(FlowError, match="COUNT"):
        run("install", "gate.yaml", "--user")
    (tmp_path / "config/flowalpr").mkdir(parents=True)
    (tmp_path / "config/flowalpr/gate.env").write_text("# of the gate\nCOUNT='5'\n")
    assert run("install", "gate.yaml", "--user").exit_code == 0


def test_a_service_of_the_machine_says_what_its_user_could_not_reach(run: Run, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    printed = run("install", "gate.yaml", "--print").stderr
    assert f"{tmp_path / 'gate.yaml'} will not be there" in printed
    assert f"the user flowalpr of the service cannot read {tmp_path / 'gate.yaml'}" in printed
