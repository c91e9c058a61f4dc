"""`flowalpr new`: what it writes works as it stands, and what it refuses it says."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from support.packages import Environment, build_wheel
from typer.testing import CliRunner

from flowalpr.cli.new import app
from flowalpr.errors import FlowError


def new(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_a_plugin_is_within_15_lines_of_python_and_10_of_toml(tmp_path: Path) -> None:
    new("plugin", "loading-dock", "--in", tmp_path)
    project = tmp_path / "flowalpr-loading-dock"
    assert len((project / "flowalpr_loading_dock.py").read_text().splitlines()) <= 15
    assert len([line for line in (project / "pyproject.toml").read_text().splitlines() if line]) <= 10


def test_a_plugin_is_formatted_and_passes_its_own_test(tmp_path: Path) -> None:
    new("plugin", "loading-dock", "--in", tmp_path)
    project = tmp_path / "flowalpr-loading-dock"
    for command in (["ruff", "format", "--check", "."], ["ruff", "check", "."], ["pytest", "-p", "no:cacheprovider"]):
        environment = {"PYTHONPATH": str(project), "PATH": "/usr/bin:/bin"}
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=project, env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_name_of_the_class_leads_back_to_the_name_in_the_flow(tmp_path: Path) -> None:
    new("plugin", "flowalpr-gate_two-row", "--in", tmp_path)
    tree = ast.parse((tmp_path / "flowalpr-gate-two-row" / "flowalpr_gate_two_row.py").read_text())
    assert [each.name for each in tree.body if isinstance(each, ast.ClassDef)] == ["GateTwoRow"]


@pytest.mark.parametrize(
    "name", ["Dock", "a/b", "../dock", "2nd", "a-b", "", "dock-", "x" * 41, "dock.yaml", "builtin"]
)
def test_a_name_that_cannot_be_one_is_refused_with_an_example(name: str, tmp_path: Path) -> None:
    with pytest.raises(FlowError, match=r"loading-dock|of your own"):
        new("plugin", name, "--in", tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["plugin", "flow"])
def test_what_is_there_already_is_never_touched(kind: str, tmp_path: Path) -> None:
    new(kind, "loading-dock", "--in", tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(FlowError, match="is there already"):
        new(kind, "loading-dock", "--in", tmp_path)
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FlowError, match="cannot be written"):
        new("flow", "loading-dock", "--in", tmp_path / "file" / "folder")


@pytest.mark.slow
def test_a_new_plugin_installs_tests_and_runs_as_it_stands(installed: Environment, tmp_path: Path) -> None:
    installed.run("flowalpr", "new", "plugin", "loading-dock", cwd=tmp_path)
    project = tmp_path / "flowalpr-loading-dock"
    installed.install("--no-deps", build_wheel(project, tmp_path / "dist"))
    installed.install("pytest")
    try:
        installed.run("python", "-m", "pytest", "-q", cwd=project)
        assert "LoadingDock" not in installed.run("flowalpr", "nodes", "show", "loading_dock")
        assert "HJX2D64" in installed.run("flowalpr", "run", "loading_dock.yaml", cwd=project)
    finally:
        installed.uninstall("flowalpr-loading-dock")


@pytest.mark.slow
def test_a_new_flow_runs_as_it_stands(installed: Environment, tmp_path: Path) -> None:
    installed.run("flowalpr", "new", "flow", "loading-dock", cwd=tmp_path)
    installed.run("flowalpr", "run", "loading-dock.yaml", cwd=tmp_path)
