"""What `flowalpr doctor` tells of a node that runs a model."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from flowalpr.findings import Finding

if TYPE_CHECKING:
    from flowalpr.vision.session import Device


def model_findings(name: str, device: Device) -> Iterator[Finding]:
    """Whether the model of that name is whole, and what really runs it.

    Raises:
        SetupError: there is none, it is damaged, or no runtime loads it.
    """
    from flowalpr.vision.manifest import find_model
    from flowalpr.vision.session import in_words, open_session

    model = find_model(name)
    session = open_session(model.weights, device)
    held = f"{model.manifest.name} {model.manifest.version} is whole, and runs on"
    if device != "cuda" or session.provider == "CUDA":
        yield Finding("ok", f"{held} {session.provider}")
        return
    why, fix = _why_not_cuda()
    yield Finding("warning", f"{held} {in_words(session.provider, device)}: {why}", fix)


def _why_not_cuda() -> tuple[str, str]:
    """Why onnxruntime does not use CUDA, and the remedy."""
    import onnxruntime  # type: ignore[import-untyped]  # carries no types

    library = Path(onnxruntime.__file__).parent / "capi" / "libonnxruntime_providers_cuda.so"
    if not library.exists():
        return "this onnxruntime is built without it", "in an environment without 'cpu': pip install 'flowalpr[cuda]'"
    try:
        ctypes.CDLL(str(library))
    except OSError as error:
        missing = re.match(r"(lib[\w.+-]+): cannot open", str(error))
        if missing:
            return f"{missing[1]} is missing", "pip install 'onnxruntime-gpu[cuda,cudnn]', or the CUDA that it asks for"
    return "no device or no driver that fits", "nvidia-smi"
