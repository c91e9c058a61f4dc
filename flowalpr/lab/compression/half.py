"""Half precision for a trained network: half the size, and twice as fast on GPUs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flowalpr.lab.compression.dequantize import dequantized

if TYPE_CHECKING:
    import onnx


def to_fp16(source: Path, target: Path) -> None:
    """Write the half-precision form of a network, of an INT8 one too; its inputs and outputs stay float32."""
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16  # type: ignore[import-untyped]  # no types
    from onnxruntime.transformers.onnx_model import OnnxModel  # type: ignore[import-untyped]  # no types

    model = OnnxModel(convert_float_to_float16(dequantized(source), keep_io_types=True))
    model.topological_sort()  # The converter appends its casts at the end; the standard wants them before their use.
    _fold_casts(model.model.graph)
    onnx.save(model.model, target)


def _fold_casts(graph: onnx.GraphProto) -> None:
    """Replace casts of constants by the constants cast, or no runtime would know the scale of a Resize beforehand."""
    from onnx import helper, numpy_helper

    constants = {each.name: each for each in graph.initializer}
    constants |= {node.output[0]: node.attribute[0].t for node in graph.node if node.op_type == "Constant"}
    for node in list(graph.node):
        if node.op_type == "Cast" and node.input[0] in constants:
            kind = helper.tensor_dtype_to_np_dtype(node.attribute[0].i)
            values = numpy_helper.to_array(constants[node.input[0]]).astype(kind)
            graph.initializer.append(numpy_helper.from_array(values, node.output[0]))
            graph.node.remove(node)
