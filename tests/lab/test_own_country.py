"""The page `docs/own-country.md` is true: its commands are run as they stand there, on Korean photographs."""

from __future__ import annotations

import csv
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from flowalpr.cli.main import app
from flowalpr.lab.datasets.sample import load
from flowalpr.lab.datasets.synthetic.layout import load_layouts, write

pytest.importorskip("torch", reason="training needs torch")

from flowalpr.lab.training.detector_task import DetectorRecipe
from flowalpr.lab.training.recipe import read_recipe

PAGE = Path(__file__).parents[2] / "docs" / "own-country.md"
FEW = {
    "steps: 3000, batch: 32": "steps: 6, batch: 4",
    "validate_every: 250": "validate_every: 6",
    "draw: [KR]": "draw: []",
}
"""A training of six steps shows that every step of the way works; an hour would show how good it gets.

Of all countries, because not every machine has a Korean typeface.
"""


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
        if kind == "sh":
            found += body.strip().splitlines()
        elif body.startswith("kind: reader"):
            found.append("recipe " + body)
    return found


def test_the_layout_of_the_page_is_one(tmp_path: Path) -> None:
    (layout,) = re.findall(r"^```\n(- name:.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    (tmp_path / "kr.yaml").write_text(layout, "utf-8")
    (own,) = load_layouts(tmp_path)
    assert re.fullmatch(r"\d{2,3}[가-힣]\d{4}", write(own, np.random.default_rng(0)).text)


def test_the_recipe_of_a_detector_is_one(tmp_path: Path) -> None:
    (recipe,) = re.findall(r"^```yaml\n(kind: detector.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    (tmp_path / "detector.yaml").write_text(recipe, "utf-8")
    assert read_recipe(tmp_path / "detector.yaml", DetectorRecipe).start == "plate-detector-quick"


@pytest.mark.slow
@pytest.mark.data
def test_the_way_from_photographs_to_a_deployed_reader_is_as_written(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(desk)
    monkeypatch.setenv("FLOWALPR_MODELS", str(desk / "models"))
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
        run(["table" if each == "photographs" else each for each in arguments])
    assert len(load(desk / "plates")) == 28
    assert len(load(desk / "parts" / "val")) == 7
    assert json.loads((desk / "report" / "results.json").read_text("utf-8"))["plates"] == 7
    assert (desk / "models" / "kr-reader-int8" / "model.onnx").stat().st_size < 6e6
    assert (desk / "plates.html").stat().st_size > 10_000
    listed = json.loads(run(["models", "list", "--json"]))
    assert "kr-reader-int8" in [each["name"] for each in listed]


def run(arguments: list[str]) -> str:
    """What a command prints; it must end well."""
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, f"{arguments}\n{result.output[-2000:]}"
    return result.stdout
