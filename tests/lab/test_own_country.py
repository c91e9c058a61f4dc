"""The page `docs/own-country.md` is true: its commands are run as they stand there, on Korean photographs."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from flowalpr.lab.datasets.sample import load

pytest.importorskip("torch", reason="training needs torch")

PAGE = Path(__file__).parents[2] / "docs" / "own-country.md"
FEW = {"steps: 3000, batch: 32": "steps: 6, batch: 4", "validate_every: 250": "validate_every: 6"}
"""A training of six steps shows that every step of the way works; an hour would show how good it gets."""


@pytest.fixture
def desk(photographs: Path, tmp_path: Path) -> Path:
    """A folder with what the reader of the page has: photographs, and a table of their plates."""
    korea = load(photographs / "train" / "kr")
    (tmp_path / "photographs").symlink_to(korea.folder / "images")
    (tmp_path / "table").mkdir()
    with (tmp_path / "table" / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "text", "x", "y", "w", "h"])
        for sample in korea:
            for plate in sample.plates:
                table.writerow([Path("..", "photographs", Path(sample.file).name), plate.text, *(plate.box or ())])
    return tmp_path


def commands() -> list[str]:
    """Every command of the page that needs no person, with the recipe written where the page says so."""
    found = []
    for kind, body in re.findall(r"^```(sh|yaml)\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        found += body.strip().splitlines() if kind == "sh" else ["recipe " + body]
    return found


@pytest.mark.slow
@pytest.mark.data
def test_the_way_from_photographs_to_a_deployed_reader_is_as_written(desk: Path) -> None:
    environment = os.environ | {"FLOWALPR_MODELS": str(desk / "models"), "OMP_NUM_THREADS": "1"}

    def run(arguments: list[str]) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "flowalpr", *arguments]
        done = subprocess.run(command, cwd=desk, env=environment, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, f"{arguments}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        return done

    for command in commands():
        if command.startswith("recipe "):
            recipe = command.removeprefix("recipe ")
            for long, short in FEW.items():
                assert long in recipe
                recipe = recipe.replace(long, short)
            (desk / "reader.yaml").write_text(recipe, "utf-8")
            continue
        program, *arguments = shlex.split(command)
        assert program == "flowalpr"
        if "--bound" in arguments:  # After six steps nothing is read, and nothing can be lost.
            assert arguments[arguments.index("--bound") + 1] == "1"
        run(["table" if each == "photographs" else each for each in arguments])
    assert len(load(desk / "plates")) == 28
    assert len(load(desk / "parts" / "val")) == 7
    assert json.loads((desk / "report" / "results.json").read_text("utf-8"))["plates"] == 7
    assert (desk / "models" / "kr-reader-int8" / "model.onnx").stat().st_size < 6e6
    assert (desk / "plates.html").stat().st_size > 10_000
    listed = json.loads(run(["models", "list", "--json"]).stdout)
    assert "kr-reader-int8" in [each["name"] for each in listed]
