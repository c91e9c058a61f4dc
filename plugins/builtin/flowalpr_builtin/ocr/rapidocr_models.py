"""Where the models lie that rapidocr's wheel brings; the package itself is never imported."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from flowalpr import SetupError
from flowalpr.vision.manifest import ModelInput

INPUT = ModelInput(colour="bgr", mean=(127.5,) * 3, scale=(1 / 127.5,) * 3, multiple_of=8)
"""How PP-OCR's networks take pictures: -1..1."""


def model_file(name: str) -> Path:
    """The path of a model in rapidocr's wheel.

    Raises:
        SetupError: rapidocr is not installed, or its wheel has no such model.
    """
    spec = find_spec("rapidocr")
    if spec is None or spec.origin is None:
        raise SetupError("rapidocr, whose wheel carries the models, is not installed", "pip install 'flowalpr[cpu]'")
    path = Path(spec.origin).parent / "models" / name
    if not path.is_file():
        raise SetupError(f"the installed rapidocr has no model {name}", "pip install --upgrade 'rapidocr>=3.10'")
    return path
