"""What a network costs to keep and to run: bytes, parameters, multiplications, milliseconds."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from flowalpr.lab.compression.parity import session

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one network at one input size."""

    megabytes: float
    """Size of the file, 1 MB = 1,000,000 bytes."""
    parameters: int
    macs: int
    """Multiply-accumulates of one run."""
    milliseconds: float
    """Median of one run on one thread of the CPU."""


def cost(model: Path, array: npt.NDArray[np.float32], runs: int = 30) -> Cost:
    """The cost of a network for an input like `array`, measured on this machine."""
    import onnx

    loaded = onnx.load(model)
    weights = sum(int(np.prod(each.dims)) for each in loaded.graph.initializer)
    return Cost(
        megabytes=model.stat().st_size / 1e6,
        parameters=weights,
        macs=count_macs(loaded, array.shape),
        milliseconds=latency(model, array, runs),
    )


def latency(model: Path, array: npt.NDArray[np.float32], runs: int = 30) -> float:
    """Median milliseconds of one run on one CPU thread, after three runs to warm up."""
    network = session(model)
    feed = {network.get_inputs()[0].name: array}
    for _ in range(3):
        network.run(None, feed)
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        network.run(None, feed)
        times.append(time.perf_counter() - start)
    return median(times) * 1e3


def count_macs(model: onnx.ModelProto, shape: Sequence[int]) -> int:
    """Multiply-accumulates of convolutions and matrix products for an input of this shape."""
    import onnx

    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    for dim, length in zip(fixed.graph.input[0].type.tensor_type.shape.dim, shape, strict=True):
        dim.dim_value = length
    for output in fixed.graph.output:  # Symbolic sizes written at export would hide the ones inferred here.
        output.type.tensor_type.ClearField("shape")
    del fixed.graph.value_info[:]
    graph = onnx.shape_inference.infer_shapes(fixed, data_prop=True).graph
    shapes = {
        each.name: [dim.dim_value for dim in each.type.tensor_type.shape.dim]
        for each in [*graph.value_info, *graph.input, *graph.output]
    } | {each.name: list(each.dims) for each in graph.initializer}
    return sum(_node_macs(node, shapes) for node in graph.node)


def _node_macs(node: onnx.NodeProto, shapes: dict[str, list[int]]) -> int:
    if node.op_type not in ("Conv", "ConvTranspose", "Gemm", "MatMul"):
        return 0
    first, second = (shapes.get(name, []) for name in node.input[:2])
    result = shapes.get(node.output[0], [])
    if node.op_type == "Conv":
        return int(np.prod(result) * np.prod(second[1:]))
    if node.op_type == "ConvTranspose":
        return int(np.prod(first) * np.prod(second[1:]))
    return int(np.prod(result) * (first[-1] if first else 0))
