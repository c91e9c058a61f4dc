"""A real detector of one layer: whatever is white is a plate of 64 by 24 pixels around it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WIDTH, HEIGHT = 64, 24
MANIFEST = """\
name: white-finder
version: 1
task: detector
bytes: {bytes}
sha256: {sha256}
input: {{colour: bgr, mean: [0, 0, 0], scale: [{scale}, {scale}, {scale}], multiple_of: 32}}
licence: Apache-2.0
"""


def write_white_finder(folder: Path, values: int = 13) -> Path:
    """A model folder whose network says 88 % where a cell of 8 x 8 pixels is white, 12 % where it is black."""
    weights = np.zeros((values, 3, 8, 8), np.float32)
    weights[0] = 4 / (3 * 64)
    bias = np.zeros(values, np.float32)
    bias[0], bias[3], bias[4] = -2, np.log(WIDTH / 8), np.log(HEIGHT / 8)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["pictures", "weights", "bias"], ["values"], kernel_shape=[8, 8], strides=[8, 8])],
        "white-finder",
        [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, ["n", 3, "height", "width"])],
        [helper.make_tensor_value_info("values", TensorProto.FLOAT, ["n", values, "rows", "columns"])],
        [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(bias, "bias")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    content = model.SerializeToString()
    onnx.checker.check_model(model)
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    (folder / "model.yaml").write_text(MANIFEST.format(bytes=len(content), sha256=digest, scale=1 / 255))
    return folder
