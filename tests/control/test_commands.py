"""`flowalpr status`, `logs`, `deploy` and `token` beside a flow that `flowalpr run` runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.served import until
from typer.testing import CliRunner

from flowalpr.cli.main import app
from flowalpr.control.tokens import Role, Tokens

FLOW = """
flow: gate
nodes:
  beat: {uses: timer, with: {every: 1 s}}
  show: {uses: debug, from: beat}
"""

pytestmark = pytest.mark.slow  # Each starts a process or two.


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start `flowalpr run` on the flow above."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        (tmp_path / "gate.yaml").write_text(FLOW)
        command = [sys.executable, "-m", "flowalpr", "run", str(tmp_path / "gate.yaml"), "--summary", "none"]
        started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def said(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, arguments)
    return done.exit_code, done.stdout, f"{done.stderr}{done.exception or ''}"


def is_up() -> bool:
    return "gate" in said("status", "--json")[1]


def test_a_running_flow_is_seen_followed_and_changed(run: Callable, tmp_path: Path) -> None:
    process = run()
    until(is_up, 60)
    assert "gate  0:0" in said("status")[1]
    assert "beat  builtin.timer  running" in said("status", "gate")[1]
    assert json.loads(said("status", "gate", "--json")[1])["flow"] == "gate"
    code, _, error = said("status", "gat")
    assert code == 1
    assert "no flow 'gat' runs" in error
    assert "did you mean 'gate'?" in error
    assert "[info] opening" in said("logs", "gate", "-n", "1000")[1]
    (tmp_path / "new.yaml").write_text(FLOW.replace("1 s", "nothing"))
    code, _, error = said("deploy", str(tmp_path / "new.yaml"))
    assert code == 1
    assert "new.yaml:4:" in error
    assert "is not a duration" in error
    (tmp_path / "new.yaml").write_text(FLOW.replace("1 s", "2 s"))
    code, out, error = said("deploy", str(tmp_path / "new.yaml"))
    assert (code, out, error) == (0, "replaced: beat\n", "")
    assert "every: 2 s" in (tmp_path / "gate.yaml").read_text()
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    assert said("status")[1] == "no flow of this user runs on this machine\n"


def test_a_flow_that_was_killed_is_not_shown_and_its_name_is_free(run: Callable) -> None:
    first = run()
    until(is_up, 60)
    first.kill()
    first.wait(10)
    assert said("status", "--json")[1] == "{}\n"
    second = run()
    until(is_up, 60)
    assert list(json.loads(said("status", "--json")[1])) == ["gate"]
    second.terminate()
    assert second.wait(20) == 0


def test_tokens_are_made_listed_and_revoked() -> None:
    code, out, error = said("token", "create", "Ann", "--role", "operator", "--for", "1 h")
    assert code == 0
    token = Tokens().find(out.strip())
    assert token is not None
    assert (token.name, token.role) == ("Ann", Role.operator)
    assert "shown this once" in error
    assert token.hash not in said("token", "list", "--json")[1]
    assert f"{token.id}  operator" in said("token", "list")[1]
    assert said("token", "revoke", token.id)[0] == 0
    assert Tokens().find(out.strip()) is None
    assert "there is no token" in said("token", "revoke", token.id)[2]
    assert "is not a duration" in said("token", "create", "Ann", "--for", "soon")[2]


def test_an_address_without_a_certificate_or_a_token_in_the_clear_is_refused(tmp_path: Path) -> None:
    (tmp_path / "gate.yaml").write_text(FLOW)
    assert "plates are not sent in the clear" in said("run", str(tmp_path / "gate.yaml"), "--listen", "0.0.0.0:8443")[2]
    assert "is no HOST:PORT" in said("run", str(tmp_path / "gate.yaml"), "--listen", "8443")[2]
    error = said("status", "--host", "https://127.0.0.1:1", "--token", "flowalpr_1_2")[2]
    assert "a token is never written here" in error
    os.environ.pop("FLOWALPR_TOKEN", None)
    assert "FLOWALPR_TOKEN is not set" in said("status", "--host", "https://127.0.0.1:1")[2]
