"""The float32 form of an INT8 model: its rounded weights in full, and nothing rounded between its layers.

For accelerators that want another form of INT8, or half precision, where only the INT8 file is at hand.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import onnx

QUANTIZE, DEQUANTIZE = "QuantizeLinear", "DequantizeLinear"


def dequantized(source: Path) -> onnx.ModelProto:
    """The network of a file without QDQ nodes; one that has none comes back as it is.

    What was rounded between two layers is now cut at the ends of its range and no more, since the quantizer leaves
    out a ReLU or Clip that those ends stand for.
    """
    import onnx
    from onnx import numpy_helper

    model = onnx.load(source)
    graph = model.graph
    constants = {each.name: each for each in graph.initializer}
    taken = {name for node in graph.node for name in node.output} - {each.name for each in graph.output}
    kept: list[onnx.NodeProto] = []
    made: list[onnx.TensorProto] = []
    rounded: dict[str, onnx.NodeProto] = {}
    named: dict[str, str] = {}
    for node in graph.node:  # From input to output: a value is rounded before it is made whole again.
        given = [numpy_helper.to_array(constants[name]) if name in constants else None for name in node.input]
        if node.op_type == QUANTIZE:
            rounded[node.output[0]] = node
        elif node.op_type != DEQUANTIZE:
            kept.append(node)
        elif given[0] is not None:
            made.append(
                numpy_helper.from_array(_full([g for g in given if g is not None], _axis(node)), node.output[0])
            )
        else:
            result = node.output[0]
            while result in taken:  # The name of the QDQ node would be given again if this is made INT8 once more.
                result += "/cut"
            named[node.output[0]] = result
            clip, ends = _clip(rounded[node.input[0]].input[0], result, [g for g in given if g is not None])
            kept.append(clip)
            made += ends
    for node in kept:
        node.input[:] = [named.get(name, name) for name in node.input]
    del graph.node[:]
    graph.node.extend(kept)
    used = {name for node in kept for name in node.input}
    left = [each for each in (*graph.initializer, *made) if each.name in used]
    del graph.initializer[:]
    graph.initializer.extend(left)
    return model


def _clip(
    given: str,
    result: str,
    how: list[npt.NDArray[Any]],  # Any: whole numbers of any kind
) -> tuple[onnx.NodeProto, list[onnx.TensorProto]]:
    """A node that cuts `given` at what its whole numbers could say, and the constants of that node."""
    from onnx import helper, numpy_helper

    scale, zero = how
    limits = np.iinfo(zero.dtype)
    ends = [
        numpy_helper.from_array(np.float32((limit - float(zero)) * float(scale)).reshape(()), f"{result}/{name}")
        for name, limit in (("least", limits.min), ("most", limits.max))
    ]
    return helper.make_node("Clip", [given, *(each.name for each in ends)], [result], name=f"{result}/Clip"), ends


def _axis(node: onnx.NodeProto) -> int:
    return next((each.i for each in node.attribute if each.name == "axis"), 1)


def _full(given: list[npt.NDArray[Any]], axis: int) -> npt.NDArray[np.float32]:  # Any: whole numbers of any kind
    """Values, scale and zero point (which may be left out) as float32; a scale of many is one a channel."""
    values, scale = given[0].astype(np.float32), given[1].astype(np.float32)
    zero = given[2].astype(np.float32) if len(given) > 2 else np.float32(0)
    if scale.ndim and scale.size > 1:
        shape = [1] * values.ndim
        shape[axis] = scale.size
        scale, zero = scale.reshape(shape), np.broadcast_to(zero, scale.shape).reshape(shape)
    return np.asarray((values - zero) * scale, np.float32)
