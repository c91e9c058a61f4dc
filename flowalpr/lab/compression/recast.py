"""A model in another number format, made at once and without pictures, to see what that would do to its speed.

What is to be kept and used is made by `flowalpr compress`, which measures what is lost.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from flowalpr.errors import SetupError
from flowalpr.lab.compression.dequantize import dequantized
from flowalpr.lab.compression.half import to_fp16

if TYPE_CHECKING:
    from flowalpr.vision.manifest import Model

Precision = Literal["fp32", "fp16", "int8"]


def recast(model: Model, wanted: Precision, folder: Path) -> Path:
    """The weights of a model with most of its numbers in that format; written to `folder`, unless it ships so.

    Raises:
        SetupError: this needs more than the file.
    """
    held = model.manifest
    if wanted == held.precision:
        return model.weights
    if wanted == "int8":
        raise SetupError(
            f"model '{held.name}' is {held.precision}, and INT8 must be calibrated on pictures",
            f"flowalpr compress int8 {held.name}, and measure what it makes",
        )
    if held.precision == "fp16":
        raise SetupError(f"model '{held.name}' is fp16 and was rounded to it", "measure the model that it was made of")
    path = folder / f"{held.name}-{held.sha256[:12]}-{wanted}.onnx"
    if not path.exists():
        if wanted == "fp16":
            to_fp16(model.weights, path)
        else:
            import onnx

            onnx.save(dequantized(model.weights), path)
    return path
