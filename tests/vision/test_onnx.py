"""Networks run where they can, and say so where that is not what was asked for."""

import logging
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from support.models import stripe_reader

from flowalpr.errors import SetupError
from flowalpr.vision.onnx import OnnxSession


@pytest.mark.skipif("CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="there is CUDA")
def test_cuda_asked_for_and_not_there_is_said_aloud(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    weights = stripe_reader(tmp_path / "stripes") / "model.onnx"
    with caplog.at_level(logging.WARNING):
        session = OnnxSession(weights, "cuda")
    assert session.provider == "CPU"
    assert "CUDA was asked for, but stripes runs on CPU" in caplog.text


def test_the_cpu_is_no_surprise(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    session = OnnxSession(stripe_reader(tmp_path / "stripes") / "model.onnx")
    outputs = session.run(np.zeros((3, 1, 48, 192), np.float32))
    assert session.provider == "CPU"
    assert [output.shape for output in outputs] == [(3, 24, 3), (3,), (3, 2)]
    assert not caplog.records


def test_a_file_that_is_no_network_is_an_error_of_the_user(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"not a network")
    with pytest.raises(SetupError, match=r"cannot load .*model\.onnx") as caught:
        OnnxSession(path)
    assert "flowalpr models verify" in str(caught.value)


def test_int8_sums_do_not_overflow_on_any_cpu(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(_int8_sum(channels=64), path)
    (values,) = OnnxSession(path).run(np.ones((1, 64, 4, 4), np.float32))
    # One step of the output's scale, 64 / 255, is what INT8 may be off; with overflow half is lost.
    np.testing.assert_allclose(values, 64.0, atol=0.26)


def _int8_sum(channels: int) -> onnx.ModelProto:
    """A network that adds up its channels, with the highest numbers that INT8 has."""
    steps = {"x": np.float32(1 / 255), "w": np.float32(1 / 127), "y": np.float32(channels / 255)}
    constants = [
        numpy_helper.from_array(np.full((8, channels, 1, 1), 127, np.int8), "w"),
        numpy_helper.from_array(np.int8(0), "w_zero"),
        *(numpy_helper.from_array(np.uint8(0), f"{name}_zero") for name in "xy"),
        *(numpy_helper.from_array(step, f"{name}_scale") for name, step in steps.items()),
    ]
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "x_scale", "x_zero"], ["x_small"]),
        helper.make_node("DequantizeLinear", ["x_small", "x_scale", "x_zero"], ["x_again"]),
        helper.make_node("DequantizeLinear", ["w", "w_scale", "w_zero"], ["w_again"]),
        helper.make_node("Conv", ["x_again", "w_again"], ["sum"]),
        helper.make_node("QuantizeLinear", ["sum", "y_scale", "y_zero"], ["y_small"]),
        helper.make_node("DequantizeLinear", ["y_small", "y_scale", "y_zero"], ["y"]),
    ]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", channels, "rows", "columns"])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 8, "rows", "columns"])]
    graph = helper.make_graph(nodes, "sum", inputs, outputs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
