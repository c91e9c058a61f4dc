"""Sessions on OpenVINO: often the fastest way to run a network on an Intel CPU, and it takes the same ONNX files.

On x86 without VNNI its sums of INT8 products overflow where weights have 8 bits: with both models in such a form 86 of
102 plates of the US were read right there, on onnxruntime 92; with weights of 7 bits it was 91 against 92.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from flowalpr.errors import SetupError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


class OpenVinoSession:
    """A network of an ONNX file on OpenVINO's CPU plugin; it may be used from one thread at a time."""

    provider = "OpenVINO CPU"
    """What really runs the network."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        """Compiles the network of `path`.

        Raises:
            SetupError: OpenVINO is missing or refuses the file.
        """
        try:
            import openvino  # type: ignore[import-untyped]  # carries no types
        except ImportError as error:
            raise SetupError(
                "OpenVINO is not installed, and `device: openvino` asks for it",
                "pip install 'flowalpr[cpu,openvino]', or write `device: cpu`",
            ) from error
        settings = {
            # It would take bf16 by itself where the CPU has it, and scores would differ from machine to machine.
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
        }
        try:
            compiled = openvino.Core().compile_model(str(path), "CPU", settings)
        except RuntimeError as error:
            said = next((line for line in reversed(str(error).strip().splitlines()) if line.strip()), "no reason given")
            raise SetupError(
                f"OpenVINO {openvino.__version__.partition('-')[0]} cannot load {path}: {said.strip()}",
                "check the file with: flowalpr models verify",
            ) from error
        self._request = compiled.create_infer_request()
        self._outputs = [port.any_name for port in compiled.outputs]

    def run(self, batch: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """The network's outputs in its own order for float32, (n, channels, height, width)."""
        self._request.infer({0: np.ascontiguousarray(batch)}, share_inputs=True)
        # Copies, for the next run writes into the same memory.
        return [np.array(self._request.get_tensor(name).data, np.float32) for name in self._outputs]
