"""Sessions on TensorRT 10 and 11: a network as an engine for one kind of GPU, built once and kept.

Networks are strongly typed: the numbers are those of the ONNX file, so half precision comes from a file made by
`flowalpr compress fp16`, and INT8 from one made by `flowalpr compress int8 --runs-on tensorrt`.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from flowalpr.errors import SetupError
from flowalpr.vision.engine_cache import Shapes, engine_file, keep, shapes_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

log = logging.getLogger(__name__)

OLDEST = 10
"""TensorRT's first version with strongly typed networks that Jetson's packages have (JetPack 6.1)."""
WORKSPACE = 1 << 30
"""Bytes of GPU memory that building may use beside the network itself."""

Library = Any  # TensorRT and CUDA carry no types, and are on machines with a GPU alone.
INSTALL = (
    "pip install 'flowalpr[cpu,tensorrt]' on a PC; on Jetson make the environment with python3 -m venv "
    "--system-site-packages and pip install 'flowalpr[jetson]'; or write `device: cpu`"
)


class Libraries(NamedTuple):
    """What is needed of NVIDIA, and the GPU that was found."""

    tensorrt: Library
    cuda: Library
    gpu: str


class TensorRtSession:
    """A network of an ONNX file on the first GPU; it may be used from one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Loads the engine of `path`, or builds it, which takes minutes and is said aloud.

        Raises:
            SetupError: TensorRT, CUDA or the GPU is missing, or TensorRT refuses the file.
        """
        libraries = _libraries()
        self._trt, self._cuda = libraries.tensorrt, libraries.cuda
        self.provider = f"TensorRT {self._trt.__version__} {libraries.gpu}"
        """What really runs the network."""
        self._stream = _done(self._cuda.cudaStreamCreate(), "a stream")
        self._engine = _engine(libraries, path)
        self._context = self._engine.create_execution_context()
        names = [self._engine.get_tensor_name(index) for index in range(self._engine.num_io_tensors)]
        mode = self._trt.TensorIOMode.INPUT
        self._input = next(name for name in names if self._engine.get_tensor_mode(name) == mode)
        self._outputs = [name for name in names if name != self._input]
        self._most = tuple(self._engine.get_tensor_profile_shape(self._input, 0)[2])
        self._memory: dict[str, tuple[int, int]] = {}  # Address and bytes on the GPU, by tensor.

    def run(self, batch: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """The network's outputs in its own order for float32, (n, channels, height, width).

        Raises:
            SetupError: the pictures are larger than the engine was built for.
        """
        if any(side > most for side, most in zip(batch.shape[2:], self._most[2:], strict=True)):
            raise SetupError(
                f"TensorRT's engine takes pictures up to {self._most[3]} x {self._most[2]} pixels, not "
                f"{batch.shape[3]} x {batch.shape[2]}",
                "set `longest` of the node lower",
            )
        parts = [self._run(batch[at : at + self._most[0]]) for at in range(0, len(batch), self._most[0])]
        return [np.concatenate(each) for each in zip(*parts, strict=True)]

    def _run(self, batch: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        batch = np.ascontiguousarray(batch)
        self._context.set_input_shape(self._input, batch.shape)
        outputs = [np.empty(tuple(self._context.get_tensor_shape(name)), np.float32) for name in self._outputs]
        for name, array in zip((self._input, *self._outputs), (batch, *outputs), strict=True):
            self._context.set_tensor_address(name, self._room(name, array.nbytes))
        kind = self._cuda.cudaMemcpyKind
        self._copy(self._room(self._input, batch.nbytes), batch.ctypes.data, batch.nbytes, kind.cudaMemcpyHostToDevice)
        if not self._context.execute_async_v3(self._stream):
            raise RuntimeError(f"TensorRT could not run a batch of shape {batch.shape}")
        for name, array in zip(self._outputs, outputs, strict=True):
            self._copy(array.ctypes.data, self._room(name, array.nbytes), array.nbytes, kind.cudaMemcpyDeviceToHost)
        _done(self._cuda.cudaStreamSynchronize(self._stream), "the run's end")
        return outputs

    def _room(self, name: str, needed: int) -> int:
        """The address of memory on the GPU for a tensor; it grows with need and is kept."""
        address, size = self._memory.get(name, (0, 0))
        if size < needed:
            if address:
                _done(self._cuda.cudaFree(address), "freed memory")
            address = int(_done(self._cuda.cudaMalloc(needed), f"{needed} bytes of GPU memory"))
            self._memory[name] = (address, needed)
        return address

    def _copy(self, to: int, source: int, count: int, kind: Library) -> None:
        _done(self._cuda.cudaMemcpyAsync(to, source, count, kind, self._stream), "a copy")


def _libraries() -> Libraries:
    """TensorRT, CUDA and the name of the first GPU.

    Raises:
        SetupError: one of them is missing, with what to install.
    """
    try:
        import tensorrt as trt  # type: ignore[import-not-found]  # carries no types
        from cuda.bindings import runtime as cuda  # type: ignore[import-not-found]  # carries no types
    except ImportError as error:
        raise SetupError(f"{_missing(error)} not installed, and `device: tensorrt` asks for it", INSTALL) from error
    if int(trt.__version__.partition(".")[0]) < OLDEST:
        raise SetupError(f"TensorRT {trt.__version__} is too old", f"install {OLDEST}.0 or newer")
    failed, count = cuda.cudaGetDeviceCount()
    if int(failed) or not count:
        raise SetupError(
            "there is no GPU that CUDA can use, and `device: tensorrt` asks for one",
            "check the driver: nvidia-smi; or `device: cpu`",
        )
    properties = _done(cuda.cudaGetDeviceProperties(0), "the GPU's name")
    name = properties.name
    return Libraries(trt, cuda, name.decode() if isinstance(name, bytes) else str(name))


def _missing(error: ImportError) -> str:
    return "TensorRT is" if error.name == "tensorrt" else f"CUDA's Python bindings are ({error.name})"


def _engine(libraries: Libraries, path: Path) -> Library:
    """The engine for this file, this GPU and this TensorRT, from the cache if it is there."""
    trt = libraries.tensorrt
    logger = trt.Logger(trt.Logger.ERROR)
    file = engine_file(path, trt.__version__, libraries.gpu)
    runtime = trt.Runtime(logger)
    if file.is_file() and (engine := runtime.deserialize_cuda_engine(file.read_bytes())) is not None:
        return engine
    log.warning("building a TensorRT engine of %s for %s: some minutes, once", path.parent.name, libraries.gpu)
    built = _built(trt, logger, path)
    keep(built, file)
    log.warning("the engine is kept in %s", file)
    return runtime.deserialize_cuda_engine(built)


def _built(trt: Library, logger: Library, path: Path) -> bytes:
    builder = trt.Builder(logger)
    # Gone where networks are strongly typed anyway.
    typed = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    network = builder.create_network(0 if typed is None else 1 << int(typed))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(path.read_bytes()):
        said = "; ".join(str(parser.get_error(index).desc()) for index in range(parser.num_errors))
        raise SetupError(
            f"TensorRT {trt.__version__} refuses {path}: {said or 'no reason given'}",
            "make a form of the model that it takes: flowalpr compress fp16, or compress int8 --runs-on tensorrt",
        )
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, WORKSPACE)
    config.progress_monitor = _progress(trt, path.parent.name)
    pictures = network.get_input(0)
    shapes: Shapes = shapes_of(tuple(pictures.shape))
    profile = builder.create_optimization_profile()
    profile.set_shape(pictures.name, *shapes)
    config.add_optimization_profile(profile)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise SetupError(f"TensorRT {trt.__version__} cannot build {path}", "see its words above; or `device: cpu`")
    return bytes(plan)


def _progress(trt: Library, name: str) -> Library:
    """Says in the log how far each large phase of a build is."""

    class Progress(trt.IProgressMonitor):  # type: ignore[misc]  # TensorRT carries no types
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self._steps: dict[str, int] = {}

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            if parent_phase is None:
                self._steps[phase_name] = num_steps

        def step_complete(self, phase_name: str, step: int) -> bool:
            if phase_name in self._steps:
                log.warning("%s: %s %d of %d", name, phase_name, step + 1, self._steps[phase_name])
            return True  # Go on.

        def phase_finish(self, phase_name: str) -> None:
            self._steps.pop(phase_name, None)

    return Progress()


def _done(result: tuple[Any, ...], what: str) -> Any:  # Any: whatever a call of CUDA gives
    """What a call of CUDA gives beside its error code.

    Raises:
        RuntimeError: the call failed.
    """
    error, *values = result
    if int(error):
        raise RuntimeError(f"CUDA gave no {what.removeprefix('a ')}: error {int(error)}")
    return values[0] if values else None
