"""Where published weights to start from lie: rapidocr's wheel carries those of PP-OCRv6 (Apache-2.0)."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from flowalpr.lab.training.checkpoint import TrainingError


def pretrained_weights(kind: Literal["det", "rec"]) -> Path:
    """The ONNX file of PP-OCRv6's small text detector (`det`) or recogniser (`rec`).

    Raises:
        TrainingError: it is not installed.
    """
    spec = find_spec("rapidocr")
    found = list(Path(spec.origin).parent.glob(f"models/PP-OCRv6_{kind}_small.onnx")) if spec and spec.origin else []
    if not found:
        raise TrainingError(
            "the pretrained weights in rapidocr's wheel are not there",
            fix="pip install 'rapidocr>=3.10', or give a checkpoint as `start`",
        )
    return found[0]
