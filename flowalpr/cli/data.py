"""`flowalpr data`: labelled pictures, from what people have to what a training takes."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowalpr.cli.label import label
from flowalpr.cli.options import AsJson
from flowalpr.cli.progress import progress
from flowalpr.cli.synth import synth

if TYPE_CHECKING:
    from flowalpr.lab.datasets.index import Statistics
    from flowalpr.lab.datasets.sample import Dataset
    from flowalpr.lab.datasets.split import Hashes

app = typer.Typer(help="Import, look at, check, split and label pictures of plates.", no_args_is_help=True)

app.command()(label)
app.command()(synth)

Folders = Annotated[list[Path], typer.Argument(help="Folders with labels.jsonl, or folders of such folders.")]


class Kind(str, Enum):
    """Label formats that `import` reads."""

    voc = "voc"
    yolo = "yolo"
    coco = "coco"
    ccpd = "ccpd"
    openalpr = "openalpr"
    csv = "csv"
    folder = "folder"
    labels = "labels"


@app.command("import")
def import_(
    kind: Annotated[Kind, typer.Argument(help="Format of the labels.")],
    source: Annotated[Path, typer.Argument(help="Folder or file of the foreign data set.")],
    target: Annotated[Path, typer.Argument(help="Folder to write to; what is there already stays.")],
    classes: Annotated[
        list[str] | None, typer.Option("--class", help="Name of a class that is a plate; may be repeated.")
    ] = None,
    country: Annotated[str | None, typer.Option(help="Country of plates whose label names none.")] = None,
    link: Annotated[bool, typer.Option("--link", help="Link the pictures instead of copying them.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring pictures and labels of a foreign format into ours.

    voc, yolo, coco: the usual label formats. ccpd: everything is in the names. openalpr: the benchmark. csv: a table
    with columns file, text and, if known, x, y, w, h. folder: pictures without labels. labels: labels.jsonl.
    """
    from flowalpr.lab.datasets.importers import Choice, add, read
    from flowalpr.lab.datasets.sample import Sample

    pictures = plates = 0
    left_out = []
    found = read(kind.value, source, Choice(tuple(classes or ()), country))
    for each in progress(add(found, target, link=link), "importing", quiet=as_json):
        if isinstance(each, Sample):
            pictures, plates = pictures + 1, plates + len(each.plates)
        else:
            left_out.append(each)
    if as_json:
        _print_json({"pictures": pictures, "plates": plates, "left_out": [each.what for each in left_out]})
    else:
        for problem in left_out:
            typer.echo(str(problem), err=True)
        typer.echo(f"{pictures} pictures with {plates} plates are in {target}")
    if not pictures:
        raise typer.Exit(1)


@app.command()
def stats(folders: Folders, as_json: AsJson = False) -> None:
    """Count pictures, plates, sizes, countries and characters."""
    from flowalpr.lab.datasets.index import find, statistics

    figures = [statistics(dataset) for dataset in find(folders)]
    if as_json:
        _print_json([asdict(each) for each in figures])
    else:
        _print_statistics(figures)


@app.command()
def check(
    folders: Folders,
    alphabet: Annotated[str | None, typer.Option(help="Characters that a text may have; others are mistakes.")] = None,
    apart_from: Annotated[
        Path | None, typer.Option(help="Data set that must share no text and no near-equal picture with these.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Name labels that cannot be right: broken boxes, impossible texts, missing pictures. Ends with 1 if there are."""
    from flowalpr.lab.datasets.checks import check as check_labels
    from flowalpr.lab.datasets.index import find
    from flowalpr.lab.datasets.split import shared

    mistakes: list[dict[str, str | int | None]] = []
    datasets = find(folders)
    for dataset in datasets:
        labels = check_labels(dataset, alphabet)
        for mistake in progress(labels, dataset.name, len(dataset), quiet=as_json):
            if mistake is not None:
                mistakes.append({"data": dataset.name, **asdict(mistake)})
    for other in find([apart_from]) if apart_from else []:
        for dataset in datasets:
            hashes = _fingerprints(dataset, quiet=as_json), _fingerprints(other, quiet=as_json)
            for sample, twin, what in shared(dataset, other, hashes):
                said = f"shares {what} with {other.name}/{twin.file}"
                mistakes.append({"data": dataset.name, "file": sample.file, "plate": None, "what": said})
    if as_json:
        _print_json({"pictures": sum(map(len, datasets)), "mistakes": mistakes})
    else:
        for each in mistakes:
            place = "" if each["plate"] is None else f", plate {each['plate']}"
            typer.echo(f"{each['data']}/{each['file']}{place}: {each['what']}")
        typer.echo(f"{sum(map(len, datasets))} pictures, {len(mistakes)} mistakes")
    if mistakes:
        raise typer.Exit(1)


@app.command()
def split(
    folders: Folders,
    target: Annotated[Path, typer.Option("--to", help="Folder for train/, val/ and test/.")],
    val: Annotated[float, typer.Option(min=0, max=1, help="Part of the pictures for validation.")] = 0.1,
    test: Annotated[float, typer.Option(min=0, max=1, help="Part of the pictures for the last test.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Another seed deals other parts.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Deal pictures into parts that share no plate text and no near-equal picture.

    Only labels are written; they point to the pictures where they are.
    """
    from flowalpr.errors import Problem
    from flowalpr.lab.datasets.index import find
    from flowalpr.lab.datasets.sample import DataError, Dataset, save
    from flowalpr.lab.datasets.split import split as deal

    if val + test >= 1:
        raise DataError(Problem(f"--val {val:g} and --test {test:g} leave nothing to train on", "a sum below 1"))
    whole = _merged(find(folders), target)
    shares = {"train": 1 - val - test, "val": val} | ({"test": test} if test else {})
    parts = deal(whole, _fingerprints(whole, quiet=as_json), shares, seed)
    for name, samples in parts.items():
        moved = (each.model_copy(update={"file": os.path.join("..", each.file)}) for each in samples)  # noqa: PTH118
        save(Dataset(target / name, tuple(moved)))
    counts = {name: len(samples) for name, samples in parts.items()}
    if as_json:
        _print_json(counts)
    else:
        typer.echo(", ".join(f"{target / name}: {count} pictures" for name, count in counts.items()))


@app.command()
def view(
    folders: Folders,
    to: Annotated[Path, typer.Option(help="Page to write; any browser shows it.")] = Path("plates.html"),
    at_most: Annotated[int, typer.Option(min=1, help="Plates to show, drawn evenly from the data.")] = 400,
) -> None:
    """Write a contact sheet: every plate with its box, corners and text on one page.

    The box is green, the outline through the corners orange; a red dot is on the first corner, the plate's top left.
    """
    from flowalpr.lab.datasets.index import find
    from flowalpr.lab.datasets.view import tiles, write_sheet

    datasets = find(folders)
    every = [tile for dataset in datasets for tile in tiles(dataset)]
    step = max(1, -(-len(every) // at_most))
    title = ", ".join(dataset.name for dataset in datasets)
    shown = every[::step]
    for _ in progress(write_sheet(to, title, shown), "drawing", len(shown)):
        pass
    typer.echo(f"{len(shown)} of {len(every)} plates are on {to}")


@app.command()
def clip(
    fonts: Annotated[Path, typer.Option(help="Folder with the typefaces that synthetic/signs.py names.")],
    to: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("flows/sample"),
    seed: Annotated[int, typer.Option(help="Another seed gives other leaves and another grain.")] = 1,
) -> None:
    """Render the sample clip, a few pictures and the truth about both; takes some two minutes."""
    from flowalpr.lab.datasets.synthetic.clip import render_sample

    render_sample(to, fonts, seed)
    typer.echo(f"{to} holds gate.mp4, gate.truth.jsonl and pictures/")


def _merged(datasets: list[Dataset], folder: Path) -> Dataset:
    """All samples as one data set in `folder`, which is made, their pictures where they are."""
    from flowalpr.lab.datasets.sample import Dataset

    folder.mkdir(parents=True, exist_ok=True)  # A path through a folder that is not there leads nowhere.
    samples = [
        sample.model_copy(update={"file": os.path.relpath(dataset.picture(sample).resolve(), folder.resolve())})
        for dataset in datasets
        for sample in dataset
    ]
    return Dataset(folder, tuple(samples))


def _fingerprints(dataset: Dataset, *, quiet: bool) -> Hashes:
    """The fingerprints of all pictures of a data set.

    Raises:
        DataError: a picture cannot be read.
    """
    import numpy as np

    from flowalpr.errors import Problem
    from flowalpr.lab.datasets.sample import DataError
    from flowalpr.lab.datasets.split import fingerprint

    rows = []
    for sample in progress(dataset, "comparing pictures", len(dataset), quiet=quiet):
        try:
            rows.append(fingerprint(dataset.picture(sample)))
        except (OSError, ValueError) as error:
            problem = Problem(f"{dataset.picture(sample)} cannot be read", fix="flowalpr data check names all such")
            raise DataError(problem) from error
    return np.array(rows, np.uint8).reshape(-1, 32)


def _print_statistics(figures: list[Statistics]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("data", box=None)
    for title in ("pictures", "plates", "boxes", "corners", "texts", "distinct", "2 rows"):
        table.add_column(title, justify="right")
    for each in figures:
        counts = (each.pictures, each.plates, each.with_box, each.with_corners, each.with_text, each.texts)
        table.add_row(each.name, *map(str, counts), str(each.two_row))
    console = Console()
    console.print(table)
    for each in figures:
        if each.plate_widths:
            least, half, most = each.plate_widths
            console.print(
                f"[b]{each.name}[/b] width of plates: {half:.0f} px, of half of them {least:.0f} to {most:.0f}"
            )
        for title, counted, at_most in (
            ("countries", each.countries, 40),
            ("conditions", each.conditions, 40),
            ("sizes", each.picture_sizes, 6),
            ("characters", each.characters, len(each.characters)),
        ):
            if counted:
                first = list(counted.items())[:at_most]
                more = f" and {len(counted) - len(first)} more" if len(counted) > len(first) else ""
                console.print(f"[b]{each.name}[/b] {title}: {', '.join(f'{k} {v}' for k, v in first)}{more}")
        if each.characters:
            console.print(f"[b]{each.name}[/b] as an alphabet: {''.join(sorted(each.characters))}", soft_wrap=True)


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False))
