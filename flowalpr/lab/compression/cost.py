"""What a network costs to keep and to run: bytes, parameters, multiplications, milliseconds."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from flowalpr.lab.compression.parity import session

if TYPE_CHECKING:
    import onnx

WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")
"""Layers that do nearly all the work."""


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
    """Multiply-accumulates of convolutions and matrix products for an input of this shape.

    The network is run once to see the shapes: inferring them fails where they are computed on the way.
    """
    import onnx
    import onnxruntime as ort  # type: ignore[import-untyped]  # carries no types

    opened = onnx.ModelProto()
    opened.CopyFrom(model)
    graph = opened.graph
    weighted = [node for node in graph.node if node.op_type in WEIGHTED]
    there = {each.name for each in [*graph.output, *graph.input, *graph.initializer]}
    wanted = {name for node in weighted for name in (*node.input[:2], *node.output[:1])} - there
    graph.output.extend(onnx.ValueInfoProto(name=name) for name in sorted(wanted))
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    run = ort.InferenceSession(opened.SerializeToString(), options, providers=["CPUExecutionProvider"])
    zeros = np.zeros(shape, np.float32)
    results = run.run(None, {graph.input[0].name: zeros})
    shapes = {each.name: result.shape for each, result in zip(run.get_outputs(), results, strict=True)}
    shapes |= {each.name: tuple(each.dims) for each in graph.initializer} | {graph.input[0].name: zeros.shape}
    return sum(_node_macs(node, shapes) for node in weighted)


def _node_macs(node: onnx.NodeProto, shapes: Mapping[str, Sequence[int]]) -> int:
    first, second, result = shapes[node.input[0]], shapes[node.input[1]], shapes[node.output[0]]
    if node.op_type == "Conv":
        return int(np.prod(result) * np.prod(second[1:]))
    if node.op_type == "ConvTranspose":
        return int(np.prod(first) * np.prod(second[1:]))
    return int(np.prod(result) * first[-1])
