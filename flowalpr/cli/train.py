"""`flowalpr train`: make a detector or a reader from labelled pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Train a detector or a reader on your own pictures.", no_args_is_help=True)

Recipe = Annotated[Path, typer.Option(help="YAML file with the settings; each model that ships has one.")]
Out = Annotated[Path, typer.Option(help="Folder for weights, curves and checkpoint; a run that was killed goes on.")]


@app.command()
def detector(recipe: Recipe, out: Out) -> None:
    """Train a detector: boxes and corners of plates, from pictures labelled with boxes."""
    from flowalpr.lab.training.detector_task import DetectorRecipe, DetectorTask
    from flowalpr.lab.training.distil import taught
    from flowalpr.lab.training.loop import train
    from flowalpr.lab.training.recipe import read_recipe, write_recipe

    settings = read_recipe(recipe, DetectorRecipe)
    write_recipe(settings, out / "recipe.yaml")
    _show(train(taught(DetectorTask(settings), settings.teacher, "detector"), settings.loop, out), out)


@app.command()
def reader(recipe: Recipe, out: Out) -> None:
    """Train a reader: texts of plates, from pictures labelled with boxes and texts, and drawn ones."""
    from flowalpr.lab.training.reader_task import ReaderRecipe, train_reader
    from flowalpr.lab.training.recipe import read_recipe, write_recipe

    settings = read_recipe(recipe, ReaderRecipe)
    write_recipe(settings, out / "recipe.yaml")
    _show(train_reader(settings, out), out)


def _show(best: dict[str, float], out: Path) -> None:
    typer.echo(f"best: {'  '.join(f'{name} {value:.2f}' for name, value in best.items())}")
    typer.echo(f"weights: {out / 'best.pt'}   curves: {out / 'curves.png'}")
