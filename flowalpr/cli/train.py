"""`flowalpr train`: make a detector or a reader from labelled pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Train a detector or a reader on your own pictures.", no_args_is_help=True)

Recipe = Annotated[
    Path,
    typer.Option(help="YAML file with the settings: docs/own-country.md has one, and so has each model that ships."),
]
Out = Annotated[Path, typer.Option(help="Folder for weights, curves and checkpoint; a run that was stopped goes on.")]


@app.command()
def detector(recipe: Recipe, out: Out) -> None:
    """Train a detector: boxes and corners of plates, from pictures labelled with boxes.

    Ctrl-C stops it after the step that has begun; the same command goes on from there.
    """
    from flowalpr.lab.training.detector_task import DetectorRecipe, DetectorTask
    from flowalpr.lab.training.distil import taught
    from flowalpr.lab.training.loop import train
    from flowalpr.lab.training.recipe import begin, recipe_to_train

    settings = recipe_to_train(recipe, DetectorRecipe)
    begin(settings, out)
    _show(train(taught(DetectorTask(settings), settings.teacher, "detector"), settings.loop, out), out)


@app.command()
def reader(recipe: Recipe, out: Out) -> None:
    """Train a reader: texts of plates, from pictures labelled with boxes and texts, and drawn ones.

    Ctrl-C stops it after the step that has begun; the same command goes on from there.
    """
    from flowalpr.lab.training.reader_data import census
    from flowalpr.lab.training.reader_task import ReaderRecipe, train_reader
    from flowalpr.lab.training.recipe import begin, recipe_to_train

    settings = recipe_to_train(recipe, ReaderRecipe)
    begin(settings, out)
    for folder in (*settings.train, *settings.validate_on):
        typer.echo(str(census(folder, settings.alphabet)))
    _show(train_reader(settings, out), out)


def _show(best: dict[str, float], out: Path) -> None:
    typer.echo(f"best: {'  '.join(f'{name} {value:.2f}' for name, value in best.items())}")
    typer.echo(f"weights: {out / 'best.pt'}   curves: {out / 'curves.png'}")
