"""Says which extra a command needs before it stumbles over a package that is not there."""

from __future__ import annotations

from importlib.util import find_spec

LAB = ("cv2", "faster_coco_eval", "matplotlib", "onnx", "onnxruntime", "rapidfuzz")
TRAIN = (*LAB, "torch")


def need(extra: str, *modules: str) -> None:
    """Refuse to go on without these modules, which an extra of flowalpr brings.

    Raises:
        SetupError: one of them is not installed.
    """
    from flowalpr.errors import SetupError

    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise SetupError(f"this needs {', '.join(missing)}", f"pip install 'flowalpr[{extra}]'")
