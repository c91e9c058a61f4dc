"""What is in the wheel, and that it works where the checkout is not."""

from __future__ import annotations

import json
import re
import subprocess
import zipfile
from pathlib import Path

import pytest
from support.packages import Environment

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


def kept(*folders: str) -> set[str]:
    """The files of those folders that git keeps or would keep, by their path from the root."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *folders]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=20)
    return {name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).exists()}


def test_the_wheel_holds_what_is_needed_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = kept("flowalpr")
    expected |= {name.removeprefix("plugins/builtin/") for name in kept("plugins/builtin/flowalpr_builtin")}
    expected |= {f"flowalpr/bundled/{name}" for name in kept("flows", "models")}
    assert names == expected


def test_the_wheel_carries_licence_notice_and_entry_points(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        info = {
            name.split(".dist-info/")[1]: archive.read(name).decode()
            for name in archive.namelist()
            if ".dist-info/" in name
        }
    assert info["licenses/LICENSE"] == (ROOT / "LICENSE").read_text()
    assert info["licenses/NOTICE"] == (ROOT / "NOTICE").read_text()
    assert "builtin = flowalpr_builtin" in info["entry_points.txt"]
    assert "flowalpr = flowalpr.cli.main:main" in info["entry_points.txt"]


def test_an_environment_holds_one_opencv_and_one_runtime(installed: Environment) -> None:
    code = "from importlib.metadata import distributions; print(*sorted({each.name for each in distributions()}))"
    packages = installed.run("python", "-c", code).split()
    assert [name for name in packages if name.startswith("opencv")] == ["opencv-python-headless"]
    assert [name for name in packages if name.startswith("onnxruntime")] == ["onnxruntime"]
    assert "torch" not in packages


def test_an_installed_wheel_reads_the_sample_clip(installed: Environment, tmp_path: Path) -> None:
    printed = installed.run("flowalpr", "run", "parking", cwd=tmp_path)
    lines = (ROOT / "flows" / "sample" / "gate.truth.jsonl").read_text().splitlines()
    truth = {plate["text"] for line in lines for plate in json.loads(line)["plates"] if plate["text"]}
    assert truth - set(re.findall(r"\w+", printed)) == set()
