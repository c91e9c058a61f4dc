"""`flowalpr data synth`: pictures of plates that never were."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowalpr.cli.progress import progress

if TYPE_CHECKING:
    from flowalpr.lab.datasets.sample import Dataset


class What(str, Enum):
    """Kinds of pictures."""

    crops = "crops"
    scenes = "scenes"


def synth(
    what: Annotated[What, typer.Argument(help="crops: single plates, for a reader; scenes: pictures, for a detector.")],
    target: Annotated[Path, typer.Argument(help="Folder to write to.")],
    count: Annotated[int, typer.Option(min=1, help="Pictures to make.")] = 1000,
    country: Annotated[list[str] | None, typer.Option(help="Only plates of this country; may be repeated.")] = None,
    layouts: Annotated[Path | None, typer.Option(help="Folder with layouts of your own, as YAML.")] = None,
    fonts: Annotated[list[Path] | None, typer.Option(help="Folder with typefaces; may be repeated.")] = None,
    background: Annotated[
        list[Path] | None, typer.Option(metavar="DATASET", help="Labelled pictures that scenes are made of.")
    ] = None,
    over: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the labelled plates of scenes that drawn ones are put over.")
    ] = 0.5,
    seed: Annotated[int, typer.Option(help="The same seed makes the same pictures.")] = 0,
) -> None:
    """Draw plates of many countries, spoil them as cameras and weather do, and label them exactly."""
    from flowalpr.errors import Problem
    from flowalpr.lab.datasets import synthesise
    from flowalpr.lab.datasets.index import find
    from flowalpr.lab.datasets.sample import LABELS, DataError
    from flowalpr.lab.datasets.synthetic.glyphs import FOLDERS

    if (target / LABELS).exists():
        raise DataError(Problem(f"{target} holds a data set already", "a new folder"))
    grounds: list[Dataset] = find(background) if background else []
    if what is What.scenes and not any(map(len, grounds)):
        problem = Problem("scenes need pictures to paste plates into", fix="--background DATASET")
        raise DataError(problem)
    draws = synthesise.drawer(country or (), layouts, fonts or FOLDERS)
    made = (
        synthesise.crops(target, count, draws, seed)
        if what is What.crops
        else synthesise.scenes(target, count, draws, seed, synthesise.Grounds(grounds, over))
    )
    plates = sum(len(sample.plates) for sample in progress(made, "drawing", count))
    typer.echo(f"{count} pictures with {plates} plates are in {target}")
