"""`flowalpr compress`: a smaller, faster form of a model, and what that cost."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from flowalpr.cli.options import AsJson

if TYPE_CHECKING:
    from flowalpr.lab.compression.loss import LossReport
    from flowalpr.lab.compression.probe import Probe
    from flowalpr.vision.manifest import Model

app = typer.Typer(help="Make a model smaller and faster, and say what that cost.", no_args_is_help=True)

Source = Annotated[str, typer.Argument(metavar="MODEL", help="Name or folder of a model.")]
To = Annotated[Path, typer.Option(metavar="FOLDER", help="Folder of the new model; its name is the model's name.")]
Measure = Annotated[
    list[Path], typer.Option("--measure-on", metavar="DATASET", help="Data whose accuracy must not fall; repeatable.")
]
Bound = Annotated[float, typer.Option(help="Points of accuracy that may be lost; more is refused.")]


class Calibration(str, Enum):
    """How the range of numbers in a layer is found."""

    minmax = "minmax"
    percentile = "percentile"
    entropy = "entropy"


class Only(str, Enum):
    """Which layers become INT8."""

    all = "all"
    pointwise = "pointwise"


class RunsOn(str, Enum):
    """Which runtimes an INT8 model is written for."""

    cpu = "cpu"
    tensorrt = "tensorrt"


@app.command()
def fp16(source: Source, to: To, measure_on: Measure, bound: Bound = 0.5, as_json: AsJson = False) -> None:
    """Halve the numbers: for GPUs, and for a file of half the size; on CPUs it is not faster."""
    from flowalpr.lab.compression.half import to_fp16
    from flowalpr.vision.manifest import find_model

    model = find_model(source)
    trial = _trial(model, measure_on, measure_on, 20)

    def write(target: Path) -> list[str]:
        to_fp16(model.weights, target)
        return []

    _compress(model, to, trial, write, "fp16", bound, as_json)


@app.command()
def int8(
    source: Source,
    to: To,
    measure_on: Measure,
    calibrate_on: Annotated[
        list[Path], typer.Option(metavar="DATASET", help="Real pictures that set the ranges, best of the training.")
    ],
    pictures: Annotated[int, typer.Option(min=1, help="Pictures or plates to calibrate on.")] = 100,
    calibrate: Annotated[Calibration, typer.Option(help="minmax keeps extremes, percentile and entropy cut them.")] = (
        Calibration.minmax
    ),
    runs_on: Annotated[RunsOn, typer.Option(help="tensorrt: symmetric, as TensorRT wants it.")] = RunsOn.cpu,
    weight_bits: Annotated[
        int | None,
        typer.Option(min=7, max=8, help="8, as TensorRT has it, is a little nearer, and slower on CPUs without VNNI."),
    ] = None,
    also: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND", help="One more kind of layer in INT8: Sigmoid, Clip; repeatable."),
    ] = None,
    only: Annotated[
        Only, typer.Option(help="pointwise: convolutions of one pixel alone, for networks with attention.")
    ] = Only.all,
    keep: Annotated[
        list[str] | None, typer.Option(metavar="WORD", help="Layers with it in their name stay whole; repeatable.")
    ] = None,
    bound: Bound = 0.5,
    as_json: AsJson = False,
) -> None:
    """Quarter the numbers: two to three times as fast on CPUs with INT8 instructions.

    Layers whose loss is too large are left in full precision, as few as the bound allows.
    """
    from flowalpr.lab.compression.quantize import quantize_within, quantizer
    from flowalpr.vision.manifest import find_model

    model = find_model(source)
    trial = _trial(model, calibrate_on, measure_on, pictures)
    before = trial.accuracy(model.weights)

    def loss(path: Path) -> float:
        lost = before - trial.accuracy(path)
        typer.echo(f"a form that loses {lost:.1f} of {before:.1f} points; at most {bound:g} may be lost", err=True)
        return lost

    def write(target: Path) -> list[str]:
        with quantizer(
            model.weights,
            trial.inputs,
            calibrate=calibrate.value,
            runs_on=runs_on.value,
            bits=weight_bits,
            also=also or (),
            only=only.value,
            keep=keep or (),
        ) as forms:
            return quantize_within(forms, target, loss, bound)

    _compress(model, to, trial, write, "int8", bound, as_json)


@app.command()
def prune(
    run: Annotated[Path, typer.Argument(help="Folder of a detector's training: recipe.yaml and best.pt.")],
    to: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder for the start and recipe of the fine-tuning.")],
    keep: Annotated[float, typer.Option(min=0.1, max=0.99, help="Share of the channels that stay.")] = 0.75,
) -> None:
    """Take out the channels of a detector that matter least; a fine-tuning must follow."""
    from flowalpr.lab.compression.prune import prune_run

    before, after = prune_run(run, keep, to)
    typer.echo(f"channels {' '.join(map(str, before))} became {' '.join(map(str, after))}; now fine-tune:")
    typer.echo(f"  flowalpr train detector --recipe {to / 'recipe.yaml'} --out {to / 'run'}")


def _trial(model: Model, calibrate_on: list[Path], measure_on: list[Path], count: int) -> Probe:
    from flowalpr.lab.compression.probe import probe

    return probe(model, calibrate_on, measure_on, count)


def _compress(
    model: Model,
    to: Path,
    trial: Probe,
    write: Callable[[Path], list[str]],
    precision: Literal["fp16", "int8"],
    bound: float,
    as_json: bool,
) -> None:
    """Write the new form beside, measure it, and keep it as a model folder if its loss is within the bound."""
    from flowalpr.lab.compression.export import write_model
    from flowalpr.lab.compression.loss import report

    with TemporaryDirectory(prefix="flowalpr-compress-") as folder:
        small = Path(folder, "model.onnx")
        left_out = write(small)
        points = trial.accuracy(model.weights), trial.accuracy(small)
        result = report(precision, (model.weights, small), points, trial, left_out)
        _show(result, as_json)
        result.require(bound)
        to.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(small, to / "model.onnx")
    write_model(to, to / "model.onnx", model.manifest, name=to.resolve().name, precision=precision)
    for name in ("recipe.yaml", "card.md", "NOTICE", "LICENSE"):
        if (model.folder / name).is_file() and not (to / name).exists():
            shutil.copyfile(model.folder / name, to / name)
    (to / "loss.json").write_text(json.dumps(result.as_json(), indent=1), "utf-8")
    if not as_json:
        typer.echo(f"{to} is the {precision} form of {model.manifest.name}")


def _show(result: LossReport, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(result.as_json()))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("", "before", "after", title=result.step, box=None, title_justify="left", title_style="bold")
    for row in result.rows():
        table.add_row(*row)
    Console().print(table, highlight=False, markup=False)
