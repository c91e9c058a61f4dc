"""Half the file at full speed on CPUs: weights are kept in half precision and used in single.

A network of half precision throughout is for GPUs: CPUs turn every layer's numbers there and back, which costs time.
Here only the file is small; runtimes widen the weights once, when they load it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

FEWEST = 64
"""Smaller arrays, biases above all, stay as they are: they weigh nothing."""


def store_as_half(source: Path, target: Path) -> None:
    """Write a network with its weights in half precision, each widened to float32 before it is used."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load(source)
    graph = model.graph
    weights, casts = [], []
    for each in graph.initializer:
        if each.data_type == TensorProto.FLOAT and np.prod(each.dims) >= FEWEST:
            name = f"{each.name}_half"
            weights.append(numpy_helper.from_array(numpy_helper.to_array(each).astype(np.float16), name))
            casts.append(helper.make_node("Cast", [name], [each.name], to=TensorProto.FLOAT))
        else:
            weights.append(each)
    nodes = [*casts, *graph.node]
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(weights)
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, target)
