"""`flowalpr export`: a training's best weights as a model folder that every flow can use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

PRETRAINED = "PP-OCRv6 small recogniser of PaddleOCR, PaddlePaddle Authors, Apache-2.0; its head and weights changed"
"""Whom a reader derives from that was not begun from nothing."""


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a training: recipe.yaml and best.pt.")],
    to: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder of the model; its name is the model's name.")],
    version: Annotated[int, typer.Option(min=1, help="Count up with every training.")] = 1,
    licence: Annotated[str, typer.Option(help="SPDX expression of the weights' licence.")] = "Apache-2.0",
    attribution: Annotated[str | None, typer.Option(help="Whom the weights derive from.")] = None,
    calibrate_on: Annotated[
        list[Path] | None,
        typer.Option(metavar="DATASET", help="Labelled plates the reader has not learnt from; makes confidences true."),
    ] = None,
) -> None:
    """Write a trained detector or reader as a model folder: model.onnx, model.yaml, recipe.yaml and a card.

    The ONNX takes any number of pictures at once and is compared with the network in training before it is kept.
    With --calibrate-on, a reader's confidences are scaled so that they say how often it is right.
    """
    import shutil

    from flowalpr.lab.compression.export import trained, write_card, write_model, write_onnx

    made = trained(run)
    weights = to / "model.onnx"
    parity = write_onnx(made, weights)
    reading = made.reading
    if reading is not None and calibrate_on:
        temperature = _temperature(weights, calibrate_on, run)
        reading = reading.model_copy(update={"temperature": temperature})
        typer.echo(f"temperature {temperature:g}")
    fields = {
        "name": to.resolve().name,
        "version": version,
        "task": made.task,
        "input": made.input.model_dump(),
        "reading": None if reading is None else reading.model_dump(),
        "licence": licence,
        "attribution": attribution if attribution is not None else (PRETRAINED if made.task == "reader" else ""),
    }
    manifest = write_model(to, weights, fields)
    shutil.copyfile(run / "recipe.yaml", to / "recipe.yaml")
    write_card(to, manifest, [f"Largest difference of the ONNX from the network in training: {parity.largest:.1e}."])
    typer.echo(f"{to} is a model of {manifest.bytes / 1e6:.1f} MB; use it as `model: {to}` in a flow")


def _temperature(weights: Path, folders: list[Path], run: Path) -> float:
    from flowalpr.errors import Problem
    from flowalpr.lab.datasets.index import find
    from flowalpr.lab.datasets.sample import DataError
    from flowalpr.lab.training.calibration import best_temperature
    from flowalpr.lab.training.reader_data import real_plates
    from flowalpr.lab.training.reader_task import ReaderRecipe
    from flowalpr.lab.training.recipe import read_recipe
    from flowalpr.vision.onnx import OnnxSession

    recipe = read_recipe(run / "recipe.yaml", ReaderRecipe)
    plates = [each for dataset in find(folders) for each in real_plates(dataset.folder, recipe.alphabet)]
    if not plates:
        raise DataError(Problem("the data to calibrate on has no plate with a text in the reader's alphabet"))
    return best_temperature(OnnxSession(weights), recipe, plates)
