"""Session: the one protocol that every inference backend satisfies, and the way to the one that was asked for."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

Device = Literal["cpu", "cuda", "openvino", "tensorrt", "auto"]
"""Where a model is asked to run: onnxruntime on the CPU or CUDA, OpenVINO on the CPU, TensorRT on a GPU of NVIDIA;
`auto` takes CUDA if onnxruntime has it, else the CPU."""


class Session(Protocol):
    """A loaded network that turns a batch into its outputs; it may be used from one thread at a time."""

    @property
    def provider(self) -> str:
        """What really runs the network, for instance `CPU` or `CUDA`; always worth showing."""

    def run(self, batch: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """The network's outputs in its own order for float32, (n, channels, height, width)."""


def open_session(weights: Path, device: Device = "cpu", threads: int = 1) -> Session:
    """A session of the ONNX file `weights` on that device; its provider is logged.

    `threads` are those of a CPU; GPUs take none.

    Raises:
        SetupError: what the device needs is not installed, or refuses the file.
    """
    session = _on(device, weights, threads)
    log.info("%s runs on %s", weights.parent.name, session.provider)
    return session


def _on(device: Device, weights: Path, threads: int) -> Session:
    # Each backend is imported only where it is wanted, since importing one takes up to half a second.
    if device == "openvino":
        from flowalpr.vision.openvino import OpenVinoSession

        return OpenVinoSession(weights, threads)
    if device == "tensorrt":
        from flowalpr.vision.tensorrt import TensorRtSession

        return TensorRtSession(weights)
    from flowalpr.vision.onnx import OnnxSession, has_cuda

    if device == "auto":
        device = "cuda" if has_cuda() else "cpu"
    return OnnxSession(weights, device, threads)


def in_words(provider: str, wanted: Device) -> str:
    """What really runs a network, for people: `CPU`, or `CPU, CUDA was asked for`."""
    as_asked = wanted == "auto" or provider.lower().startswith(wanted)
    return provider if as_asked else f"{provider}, {wanted.upper()} was asked for"
