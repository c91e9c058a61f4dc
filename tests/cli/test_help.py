"""`--help` reads well in any terminal."""

from __future__ import annotations

from itertools import pairwise

import pytest
from typer.testing import CliRunner

from flowalpr.cli.main import app


@pytest.mark.parametrize("command", ["read", "data label"])
def test_help_is_wrapped_by_the_width_of_the_terminal_alone(command: str) -> None:
    shown = CliRunner(env={"COLUMNS": "70"}).invoke(app, [*command.split(), "--help"]).output
    lines = [line.strip() for line in shown.split("╭")[0].splitlines()]
    for line, below in pairwise(lines):
        if line and below and "Usage" not in line:
            assert len(f"{line} {below.split()[0]}") > 68, f"'{line}' had room for the word below"
