"""Files of half the size that say the same."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from flowalpr.lab.compression.halve import store_as_half
from flowalpr.lab.compression.parity import outputs, session


def test_a_file_with_halved_weights_is_half_as_large_and_says_the_same(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    weights = numpy_helper.from_array(rng.normal(0, 0.1, (32, 16, 3, 3)).astype(np.float32), "weights")
    shown = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", c, 8, 8]) for name, c in (("x", 16), ("y", 32))
    ]
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "weights"], ["y"], pads=[1, 1, 1, 1])], "one", shown[:1], shown[1:], [weights]
    )
    whole, half = tmp_path / "whole.onnx", tmp_path / "half.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), whole)
    store_as_half(whole, half)
    assert half.stat().st_size < 0.55 * whole.stat().st_size
    picture = [rng.normal(size=(2, 16, 8, 8)).astype(np.float32)]
    before, after = outputs(session(whole), picture), outputs(session(half), picture)
    np.testing.assert_allclose(after[0], before[0], atol=5e-3)  # 144 products, each off by a 2048th at most.
    assert not np.array_equal(after[0], before[0])
