"""Sessions on onnxruntime: CPU by default, CUDA where it is there."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Literal

from flowalpr.errors import SetupError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

OnnxDevice = Literal["cpu", "cuda"]
PROVIDERS: dict[OnnxDevice, str] = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


class OnnxSession:
    """A network of an ONNX file on onnxruntime; it may be used from one thread at a time."""

    def __init__(self, path: Path, device: OnnxDevice = "cpu", threads: int = 1) -> None:
        """Loads `path`; says aloud if it runs elsewhere than on `device`.

        One thread and no spinning by default: on a busy machine a second one made a model slower
        (5.2 to 9.3 ms, 2 cores), and a flow has other work for other cores.

        Raises:
            SetupError: onnxruntime is missing or refuses the file.
        """
        try:
            import onnxruntime  # type: ignore[import-untyped]  # carries no types
        except ImportError as error:
            raise SetupError("onnxruntime is not installed", "pip install 'flowalpr[cpu]'") from error
        onnxruntime.set_default_logger_severity(3)  # its own words on stderr say less than ours below
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # x86 without VNNI adds products of INT8 in 16 bits, which overflow: of 102 plates five more were misread. For
        # weights of 8 bits (see `BITS` in lab/compression/quantize.py) this takes a way that does not, slower by half,
        # on those CPUs alone.
        options.add_session_config_entry("session.x64quantprecision", "1")
        wanted = [PROVIDERS[device], PROVIDERS["cpu"]]
        there = [p for p in dict.fromkeys(wanted) if p in onnxruntime.get_available_providers()]
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=there)
        except Exception as error:  # onnxruntime's own exceptions have no common base of theirs
            raise SetupError(
                f"onnxruntime {onnxruntime.__version__} cannot load {path}: {_first_line(error)}",
                "check the file with: flowalpr models verify",
            ) from error
        got = self._session.get_providers()[0]
        self.provider = got.removesuffix("ExecutionProvider")
        """What really runs the network: `CPU` or `CUDA`."""
        if got != PROVIDERS[device]:
            log.warning(
                "%s was asked for, but %s runs on %s; for CUDA: pip install 'flowalpr[cuda]' "
                "in an environment without the extra 'cpu'",
                device.upper(),
                path.parent.name,
                self.provider,
            )
        self._input = self._session.get_inputs()[0].name
        self.metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        """What the file says about itself, for instance the characters of a reader."""

    def run(self, batch: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """The network's outputs in its own order for float32, (n, channels, height, width)."""
        outputs: list[NDArray[np.float32]] = self._session.run(None, {self._input: batch})
        return outputs


def has_cuda() -> bool:
    """Whether the onnxruntime that is installed was built for CUDA; a GPU is another question."""
    try:
        import onnxruntime
    except ImportError:
        return False
    return PROVIDERS["cuda"] in onnxruntime.get_available_providers()


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
