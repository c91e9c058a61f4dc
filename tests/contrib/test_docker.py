"""The Docker files as far as they can be judged without building them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from support.flows import Frames, Keep, graph_of
from support.served import Served

from flowalpr.control.places import runtime_folder
from flowalpr.flow.load import load_flow
from flowalpr.plugins import load_plugins
from flowalpr.service.needs import needs_of

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "contrib" / "docker"
FILES = sorted(path for path in DOCKER.glob("Dockerfile*") if path.suffix != ".dockerignore")
BIN = Path(sys.executable).parent


def program(name: str) -> str:
    found = shutil.which(name, path=f"{BIN}{os.pathsep}{os.environ['PATH']}")
    if found is None:
        pytest.skip(f"no {name} here; on x86-64 it comes with the extra 'dev'")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_linter_finds_nothing(path: Path) -> None:
    done = subprocess.run([program("hadolint"), str(path)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_an_image_runs_as_nobody_special_is_asked_how_it_is_and_copies_what_there_is(path: Path) -> None:
    text = path.read_text()
    assert re.search(r"^USER 10001\b", text, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK ", text, re.MULTILINE)
    for source in re.findall(r"^COPY (?!--from)(\S+)", text, re.MULTILINE):
        assert (ROOT / source).exists()
    ignored = path.with_name(f"{path.name}.dockerignore").read_text().splitlines()
    assert all((ROOT / line[1:]).exists() for line in ignored if line.startswith("!"))
    assert "!contrib/docker/healthy.py" in ignored


def test_the_compose_file_is_one() -> None:
    command = [program("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(DOCKER / "compose.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_compose_gives_the_flow_the_secrets_it_takes_and_its_services_little_else() -> None:
    compose = YAML(typ="safe").load(DOCKER / "compose.yaml")
    needs = needs_of(load_flow(DOCKER / "gate.yaml", load_plugins(), environ={}))
    assert compose["services"]["flow"]["secrets"] == list(needs.secrets_of("credential"))
    for service in compose["services"].values():
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert set(service["secrets"]) <= set(compose["secrets"])


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("FLOWALPR_STATE", str(tmp_path))
    running = Served(graph_of(("gate", Frames(count=1, live=True), ""), ("keep", Keep(), "gate")))
    yield running
    running.close()


@pytest.mark.slow
def test_a_container_is_healthy_while_its_flow_answers(served: Served, tmp_path: Path) -> None:
    def is_healthy(folder: Path) -> bool:
        command = [sys.executable, str(DOCKER / "healthy.py")]
        return not subprocess.run(command, env={"RUNTIME_DIRECTORY": str(folder)}, timeout=60).returncode

    assert is_healthy(runtime_folder())
    (tmp_path / "empty").mkdir()
    assert not is_healthy(tmp_path / "empty")
