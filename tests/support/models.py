"""Tiny models, whole and honest, for tests that need one."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

READER = """\
name: stripes
version: 1
task: reader
bytes: {bytes}
sha256: {sha256}
input: {{colour: grey, mean: [127.5], scale: [0.00784313725], width: 192, height: 48}}
reading: {{alphabet: {alphabet}, countries: [AA, BB], margin: 0.0}}
licence: Apache-2.0
"""


def stripe_reader(folder: Path, alphabet: str = "AB") -> Path:
    """A model folder whose reader takes dark stripes for A, bright ones for B and grey ones for nothing.

    A picture much brighter in its upper half has two rows; a bright one is of country AA, a dark one of BB.
    """
    nodes = [
        helper.make_node("AveragePool", ["plates"], ["columns"], kernel_shape=[48, 8], strides=[48, 8]),
        helper.make_node("Reshape", ["columns", "as_columns"], ["levels"]),
        helper.make_node("MatMul", ["levels", "letters"], ["likeness"]),
        helper.make_node("Add", ["likeness", "blank"], ["characters"]),
        helper.make_node("AveragePool", ["plates"], ["halves"], kernel_shape=[24, 192], strides=[24, 192]),
        helper.make_node("Reshape", ["halves", "as_halves"], ["pair"]),
        helper.make_node("MatMul", ["pair", "fall"], ["steep"]),
        helper.make_node("Add", ["steep", "level"], ["column"]),
        helper.make_node("Reshape", ["column", "as_list"], ["rows"]),
        helper.make_node("MatMul", ["pair", "brightness"], ["country"]),
    ]
    arrays = {
        "as_columns": np.array([-1, 24, 1]),
        "as_halves": np.array([-1, 2]),
        "as_list": np.array([-1]),
        "letters": np.array([[0, -8, 8]], np.float32),
        "blank": np.array([2, 0, 0], np.float32),
        "fall": np.array([[5], [-5]], np.float32),
        "level": np.array([-2], np.float32),
        "brightness": np.array([[5, -5], [5, -5]], np.float32),
    }
    graph = helper.make_graph(
        nodes,
        "stripes",
        [helper.make_tensor_value_info("plates", TensorProto.FLOAT, ["n", 1, 48, 192])],
        [
            helper.make_tensor_value_info("characters", TensorProto.FLOAT, ["n", 24, 3]),
            helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["n"]),
            helper.make_tensor_value_info("country", TensorProto.FLOAT, ["n", 2]),
        ],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    content = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    text = READER.format(bytes=len(content), sha256=sha256, alphabet=alphabet)
    (folder / "model.yaml").write_text(text, encoding="utf-8")
    onnx.checker.check_model(onnx.load_from_string(content))
    return folder
