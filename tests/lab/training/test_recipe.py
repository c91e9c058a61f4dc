"""Recipes: what is wrong with one is said with file, line and remedy, before anything is learnt."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from flowalpr.cli.train import app
from flowalpr.lab.training.recipe import RecipeError, begin, read_recipe, recipe_to_train

pytest.importorskip("torch", reason="training needs torch")

from flowalpr.lab.training.reader_task import ReaderRecipe

GOOD = """kind: reader
alphabet: 0123456789
train: [parts/train]
validate_on: [parts/val]
loop: {steps: 10, rate: 0.001}
"""


def error(folder: Path, text: str) -> str:
    (folder / "r.yaml").write_text(text, "utf-8")
    with pytest.raises(RecipeError) as caught:
        recipe_to_train(folder / "r.yaml", ReaderRecipe)
    assert caught.value.exit_code == 2
    return str(caught.value)


@pytest.mark.parametrize(
    ("right", "wrong", "place", "said"),
    [
        ("validate_on:", "valdate_on:", "r.yaml:4:1", "did you mean 'validate_on'?"),
        ("{steps:", "{stepps:", "r.yaml:5:8", "did you mean 'steps'?"),
        ("steps: 10, ", "", "r.yaml:5:7", "'loop.steps' is missing\n"),
        ("rate: 0.001", "rate: -1", "r.yaml:5:25", "loop.rate = -1"),
        ("0123456789", "123", "r.yaml:2:11", 'put it in quotes: "123"'),
        ("train: [parts/train]", "train: parts/train", "r.yaml:3:8", "expected  a list"),
        ("kind: reader", "kind: detector", "r.yaml:1:7", "flowalpr train detector"),
        ("parts/val]", "parts/vall]", "r.yaml:4:15", "did you mean 'val'?"),
        ("parts/train]", "nowhere/at/all]", "r.yaml:3:9", "paths count from the folder in which the command runs"),
        ("loop: {", "loop {", "r.yaml:5:22", "check the indentation"),
    ],
)
def test_a_mistake_is_shown_where_it_is_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, right: str, wrong: str, place: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for part in ("train", "val"):
        (tmp_path / "parts" / part).mkdir(parents=True)
    assert right in GOOD
    shown = error(tmp_path, GOOD.replace(right, wrong))
    assert place in shown
    assert said in shown
    assert shown.count("to fix") + shown.count("expected") >= 1
    assert "\n\n" not in shown, "one mistake is one message"


def test_all_mistakes_are_shown_at_once(tmp_path: Path) -> None:
    shown = error(tmp_path, GOOD.replace("steps", "stepps").replace("0.001", "fast").replace("train:", "trian:"))
    assert [shown.count(part) for part in ("did you mean", "loop.rate", "\n\n")] == [2, 1, 2]


def test_an_empty_recipe_and_none_are_said(tmp_path: Path) -> None:
    assert "r.yaml:1:1  the file is empty" in error(tmp_path, "")
    with pytest.raises(RecipeError, match=r"there is no recipe .*none\.yaml"):
        read_recipe(tmp_path / "none.yaml", ReaderRecipe)


def test_digits_are_an_alphabet_and_folders_may_be_gone_when_all_is_learnt(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(GOOD, "utf-8")
    assert read_recipe(tmp_path / "r.yaml", ReaderRecipe).alphabet == "0123456789"


def test_another_recipe_does_not_take_over_a_run(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(GOOD, "utf-8")
    recipe = read_recipe(tmp_path / "r.yaml", ReaderRecipe)
    begin(recipe, tmp_path)
    begin(recipe.model_copy(update={"real": 0.9}), tmp_path)  # Nothing was learnt yet.
    (tmp_path / "last.pt").touch()
    loop = recipe.loop.model_copy(update={"rate": 0.5, "threads": 1})
    with pytest.raises(RecipeError, match=r"it differs in real, loop\.rate\n.*another --out"):
        begin(recipe.model_copy(update={"loop": loop}), tmp_path)
    assert read_recipe(tmp_path / "recipe.yaml", ReaderRecipe).real == 0.9


def test_the_command_ends_with_the_recipe_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.yaml").write_text(GOOD, "utf-8")
    result = CliRunner().invoke(app, ["reader", "--recipe", "r.yaml", "--out", "run"])
    assert isinstance(result.exception, RecipeError)
    assert not (tmp_path / "run").exists()
