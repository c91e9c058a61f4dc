"""`flowalpr models`: which models there are, what they are, and whether they are whole."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowalpr.cli.options import AsJson

if TYPE_CHECKING:
    from flowalpr.vision.manifest import Model

app = typer.Typer(help="List, show, verify and add models.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="MODEL", help="Name of a model, or its folder.")]


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List all models that flows can name, those that are found first before those they hide."""
    from flowalpr.vision.manifest import models, places

    found = list(models())
    if as_json:
        typer.echo(json.dumps([_record(each) for each in found]))
        return
    if not found:
        typer.echo("no model was found in " + ", ".join(map(str, places())))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("model", "task", "version", "numbers", "MB", "licence", "folder", box=None, pad_edge=False)
    for each in found:
        held = each.manifest
        size = f"{held.bytes / 1e6:.1f}"
        table.add_row(held.name, held.task, str(held.version), held.precision, size, held.licence, str(each.folder))
    Console().print(table, highlight=False, markup=False)


@app.command()
def show(name: Name, as_json: AsJson = False) -> None:
    """Show what a model takes and gives, its licence, and its card: how good it is, on what, and where it fails."""
    from flowalpr.vision.manifest import find_model

    model = find_model(name)
    if as_json:
        typer.echo(json.dumps(_record(model) | {"manifest": model.manifest.model_dump(mode="json")}))
        return
    held = model.manifest
    typer.secho(f"{held.name}, version {held.version}: a {held.task}", bold=True)
    size = f"{held.input.width or 'any'} x {held.input.height or 'any'}"
    typer.echo(f"  folder   {model.folder}")
    typer.echo(f"  weights  {held.file}, {held.bytes / 1e6:.1f} MB, {held.precision}")
    typer.echo(f"  input    {held.input.colour}, {size} pixels")
    if held.reading is not None:
        typer.echo(f"  reads    {held.reading.alphabet}")
        typer.echo(f"  tells    {', '.join(held.reading.countries) or 'no countries apart'}")
    typer.echo(f"  licence  {held.licence}{'; ' + held.attribution if held.attribution else ''}")
    card = model.folder / "card.md"
    if card.is_file():
        typer.echo("\n" + card.read_text("utf-8").strip())


@app.command()
def verify(
    names: Annotated[list[str] | None, typer.Argument(metavar="[MODEL]...", help="Without any, all models.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check the weights against their checksum, load them and run them once. Ends with 1 if a model is not whole."""
    from flowalpr.vision.manifest import models

    results = [_verified(name) for name in names or [str(each.folder) for each in models()]]
    if as_json:
        typer.echo(json.dumps(results))
    for each in [] if as_json else results:
        typer.echo(f"{each['model']}: {each['error'] or 'whole, and runs on ' + each['provider']}")
    if any(each["error"] for each in results):
        raise typer.Exit(1)


@app.command()
def add(
    folder: Annotated[Path, typer.Argument(help="Folder of the model, with model.yaml and the weights.")],
    replace: Annotated[bool, typer.Option("--replace", help="Take the place of one of the same name.")] = False,
) -> None:
    """Copy a model to where flows find it by name, after it was verified."""
    from flowalpr.errors import SetupError
    from flowalpr.vision.manifest import load_model, user_place

    model = load_model(folder)
    result = _verified(str(folder))
    if result["error"]:
        raise SetupError(f"{folder} is not a model that works: {result['error']}")
    target = user_place() / model.manifest.name
    if target.resolve() == folder.resolve():
        raise SetupError(f"{folder} is there already", f"name it in a flow: model: {model.manifest.name}")
    if target.exists() and not replace:
        raise SetupError(f"there is a model '{model.manifest.name}' in {target.parent}", "add --replace, or rename it")
    _put(folder, target)
    typer.echo(f"{model.manifest.name} is in {target.parent}; name it in a flow: model: {model.manifest.name}")


def _put(folder: Path, target: Path) -> None:
    """Copy a folder to its place; a model of that name stays whole until the new one is."""
    part, old = target.with_name(f".{target.name}.part"), target.with_name(f".{target.name}.old")
    for leftover in (part, old):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(folder, part)
    if target.exists():
        target.rename(old)
    part.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _verified(name: str) -> dict[str, str]:
    """The model's name, what runs it, and what is wrong with it; the last is empty if nothing is."""
    import numpy as np

    from flowalpr.errors import FlowalprError, in_one_line
    from flowalpr.vision.manifest import find_model

    try:
        model = find_model(name)
        if model.manifest.task == "detector":
            from flowalpr.vision.detector import Detector

            detector = Detector(model.folder)
            detector.find(np.zeros((64, 96, 3), np.uint8))
            return {"model": model.manifest.name, "provider": detector.provider, "error": ""}
        from flowalpr.vision.reader import Reader

        return {"model": model.manifest.name, "provider": Reader(model.folder).provider, "error": ""}
    except FlowalprError as error:
        return {"model": name, "provider": "", "error": in_one_line(error)}


def _record(model: Model) -> dict[str, Any]:  # Any: the values that JSON has
    held = model.manifest
    return {
        "name": held.name,
        "task": held.task,
        "version": held.version,
        "precision": held.precision,
        "bytes": held.bytes,
        "licence": held.licence,
        "folder": str(model.folder),
    }
