"""What operators see of installed plugins: of one that fails to import, and of two with one node name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # Each command is a process of its own, which finds the plugins anew.

SOUND = "nodes:\n  gate: {uses: camera, with: {url: 0}}\n  show: {uses: console, from: gate}\n"
CONSOLE = """\
from flowalpr import Message, Node, hookimpl


class Console(Node):
    \"\"\"Another console.\"\"\"

    def process(self, message: Message) -> None: ...


@hookimpl
def flowalpr_nodes():
    return [Console]
"""


def install(folder: Path, name: str, code: str) -> None:
    """Put a plugin on the path as an installer would: a module, and what it says about itself."""
    (folder / f"{name}.py").write_text(code)
    about = folder / f"{name}-1.2.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
    (about / "entry_points.txt").write_text(f"[flowalpr]\n{name} = {name}\n")


@pytest.fixture
def flowalpr(tmp_path: Path) -> object:
    def flowalpr(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(tmp_path), "COLUMNS": "160"}
        command = [sys.executable, "-m", "flowalpr", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)

    (tmp_path / "sound.yaml").write_text(SOUND)
    return flowalpr


def test_a_plugin_that_fails_to_import_is_named_and_stops_only_flows_that_use_it(tmp_path: Path, flowalpr) -> None:
    install(tmp_path, "shaky", "import a_module_that_is_not_there\n")
    (tmp_path / "uses.yaml").write_text(SOUND.replace("console", "shaky.console"))
    listed = flowalpr("nodes")
    assert "plugin 'shaky' 1.2 failed to load: ModuleNotFoundError" in listed.stderr
    assert "camera" in listed.stdout
    assert flowalpr("check", "sound.yaml").returncode == 0
    refused = flowalpr("check", "uses.yaml")
    assert refused.returncode == 2
    assert "plugin 'shaky' 1.2 failed to load" in refused.stderr


def test_a_node_name_that_two_plugins_share_must_be_written_in_full(tmp_path: Path, flowalpr) -> None:
    install(tmp_path, "other", CONSOLE)
    refused = flowalpr("check", "sound.yaml")
    assert refused.returncode == 2
    assert "write its full name: builtin.console or other.console" in refused.stderr
    (tmp_path / "full.yaml").write_text(SOUND.replace("console", "other.console"))
    assert flowalpr("check", "full.yaml").returncode == 0
    assert flowalpr("check", "sound.yaml", "--no-plugin", "other").returncode == 0
    listed = flowalpr("nodes").stdout.split()
    assert {"builtin.console", "other.console"} <= set(listed)
    assert "Another console." in flowalpr("nodes", "show", "other.console").stdout
