"""Wheels as we would ship them, and an environment that holds nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

MINUTES = 60.0


def build_wheel(project: Path, into: Path) -> Path:
    """The wheel of a project, built from its own pyproject.toml."""
    into.mkdir(parents=True, exist_ok=True)
    before = set(into.glob("*.whl"))
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(into), str(project)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=2 * MINUTES)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = set(into.glob("*.whl")) - before
    return wheel


class Environment:
    """A fresh virtual environment, in which the checkout cannot be seen."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        venv.create(folder, with_pip=True)

    def install(self, *requirements: str | Path) -> None:
        """Install what is named, as a user would."""
        self.run("python", "-m", "pip", "install", "-qq", *requirements, seconds=10 * MINUTES)

    def uninstall(self, name: str) -> None:
        """Take one package out again."""
        self.run("python", "-m", "pip", "uninstall", "-qq", "-y", name)

    def run(
        self, program: str, *arguments: str | Path, cwd: Path | None = None, seconds: float = 2 * MINUTES, code: int = 0
    ) -> str:
        """What a program of the environment prints, errors included; it must end with that exit code."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
        done = subprocess.run(
            [self.bin / program, *arguments],
            cwd=cwd or self.bin.parent,
            env=clean,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr
