"""`flowalpr bench`: how fast models are on this machine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowalpr.cli.options import AsJson
from flowalpr.cli.progress import progress

if TYPE_CHECKING:
    from flowalpr.lab.evaluation.speed import Refusal, Timing

app = typer.Typer(help="Measure how fast things are on this machine.", no_args_is_help=True)


class OnDevice(str, Enum):
    """Where a model is asked to run."""

    cpu = "cpu"
    cuda = "cuda"
    openvino = "openvino"
    tensorrt = "tensorrt"


class InFormat(str, Enum):
    """The number format of most weights."""

    fp32 = "fp32"
    fp16 = "fp16"
    int8 = "int8"


@app.callback()
def _group() -> None:
    """Keeps `models` a command of its own."""


@app.command()
def models(
    names: Annotated[list[str] | None, typer.Argument(metavar="[MODEL]...", help="Without any, all models.")] = None,
    device: Annotated[
        list[OnDevice] | None, typer.Option(help="cpu, cuda, openvino or tensorrt; may be repeated.")
    ] = None,
    threads: Annotated[list[int] | None, typer.Option(min=1, help="Threads of the network; may be repeated.")] = None,
    batch: Annotated[list[int] | None, typer.Option(min=1, help="Pictures at once; may be repeated.")] = None,
    precision: Annotated[
        list[InFormat] | None, typer.Option(help="fp32, fp16 or int8, made for this; without it, as shipped.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(help="What detectors look at; without it, a drawn one of 1280 x 720.")
    ] = None,
    runs: Annotated[int, typer.Option(min=1, help="Runs of each case, after five to warm up.")] = 50,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the times: .png or .svg.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure models: milliseconds a picture around and in the network, pictures a second, memory.

    Every device, number of threads, batch and precision given is tried with every model, each in a process of its
    own; what cannot be measured here says why. FP32 and FP16 of an INT8 model have its rounded weights: look at their
    speed, and for figures of accuracy at what `flowalpr compress` makes.
    """
    from dataclasses import asdict

    from flowalpr.errors import SetupError
    from flowalpr.lab.evaluation.speed import Case, Timing, draw, measure
    from flowalpr.vision.manifest import find_model
    from flowalpr.vision.manifest import models as all_models

    folders = [find_model(name).folder for name in names] if names else [each.folder for each in all_models()]
    if not folders:
        raise SetupError("no model was found", "name one: flowalpr bench models FOLDER")
    forms: list[InFormat | None] = [*precision] if precision else [None]
    cases = [
        Case(folder, where.value, count, size, form.value if form else None)
        for folder in folders
        for where in device or [OnDevice.cpu]
        for count in threads or [1]
        for size in batch or [1]
        for form in forms
    ]
    told = list(progress(measure(cases, picture, runs), "measuring", len(cases), quiet=as_json))
    timings = [each for each in told if isinstance(each, Timing)]
    refused = [each for each in told if not isinstance(each, Timing)]
    if not timings:
        raise SetupError(refused[0].why)
    if plot is not None:
        draw(timings, plot)
    if as_json:
        rows = [asdict(each) | {"fps": each.fps} for each in timings]
        typer.echo(json.dumps([*rows, *({"case": str(each.case), "error": each.why} for each in refused)]))
    else:
        _print(timings, refused)


def _print(timings: Sequence[Timing], refused: Sequence[Refusal]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("model", box=None, pad_edge=False)
    for title in ("thr", "batch", "input", "around", "net", "ms", "p95", "fps", "MB"):
        table.add_column(title, justify="right", no_wrap=True)
    for each in timings:
        numbers = (each.around, each.network, each.around + each.network, each.p95)
        table.add_row(
            f"{each.model} {each.precision} {each.provider}",
            str(each.threads),
            str(each.batch),
            each.size,
            *(f"{number:.2f}" for number in numbers),
            f"{each.fps:.0f}",
            f"{each.megabytes:.0f}",
        )
    out = Console()
    out.print(table, highlight=False, markup=False)
    for refusal in refused:
        out.print(f"{refusal.case}: {refusal.why}", highlight=False, markup=False)
