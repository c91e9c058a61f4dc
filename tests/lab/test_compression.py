"""INT8 and half precision: small, near their parent, and refused where they are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from flowalpr.lab.compression.cost import cost, count_macs
from flowalpr.lab.compression.dequantize import dequantized
from flowalpr.lab.compression.half import to_fp16
from flowalpr.lab.compression.parity import ParityError, between, compare
from flowalpr.lab.compression.quantize import (
    quantize,
    quantize_within,
    quantizer,
)
from flowalpr.testing import plate_frame
from flowalpr.vision.image import normalise
from flowalpr.vision.manifest import find_model
from flowalpr.vision.reader import whole
from flowalpr.vision.session import open_session

SIZE = (1, 3, 16, 24)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two convolutions and two products."""
    random = np.random.default_rng(7)
    weights = {
        "w1": random.normal(0, 0.3, (8, 3, 3, 3)),
        "w2": random.normal(0, 0.3, (8, 8, 3, 3)),
        "w3": random.normal(0, 0.3, (8, 6)),
        "w4": random.normal(0, 0.3, (6, 5)),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["a"], "first", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"], "relu"),
        helper.make_node("Conv", ["b", "w2"], ["c"], "second", pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("GlobalAveragePool", ["c"], ["d"], "pool"),
        helper.make_node("Flatten", ["d"], ["e"], "flat"),
        helper.make_node("MatMul", ["e", "w3"], ["f"], "product"),
        helper.make_node("MatMul", ["f", "w4"], ["y"], "last"),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", *SIZE[1:]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 5])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path_factory.mktemp("net") / "model.onnx"
    onnx.save(model, path)
    return path


@pytest.fixture(scope="module")
def inputs() -> list[npt.NDArray[np.float32]]:
    random = np.random.default_rng(11)
    return [random.random(SIZE, dtype=np.float32) for _ in range(8)]


def test_multiplications_are_counted_by_hand_and_by_the_code_alike(network: Path) -> None:
    by_hand = 16 * 24 * 8 * 3 * 9 + 8 * 12 * 8 * 8 * 9 + 8 * 6 + 6 * 5
    assert count_macs(onnx.load(network), SIZE) == by_hand
    assert count_macs(onnx.load(network), (2, *SIZE[1:])) == 2 * by_hand


def test_half_precision_halves_the_file_and_keeps_the_outputs(
    network: Path, inputs: list[npt.NDArray[np.float32]], tmp_path: Path
) -> None:
    half = tmp_path / "half.onnx"
    to_fp16(network, half)
    onnx.checker.check_model(onnx.load(half), full_check=True)
    assert compare(network, half, inputs).largest < 2e-3, "half precision keeps 11 bits"
    before, after = cost(network, inputs[0], runs=1), cost(half, inputs[0], runs=1)
    assert after.megabytes < before.megabytes * 0.75, "names and structure stay, weights halve"
    assert after.macs == before.macs


@pytest.mark.parametrize("runs_on", ["cpu", "tensorrt"])
def test_int8_stays_near_its_parent(
    network: Path, inputs: list[npt.NDArray[np.float32]], tmp_path: Path, runs_on: str
) -> None:
    small = tmp_path / "int8.onnx"
    quantize(network, small, inputs, runs_on=runs_on)  # type: ignore[arg-type]  # parametrize knows only str
    assert 0 < compare(network, small, inputs).largest < 0.05
    assert {"QuantizeLinear", "DequantizeLinear"} <= {node.op_type for node in onnx.load(small).graph.node}


def test_the_layer_that_gives_the_result_keeps_full_precision(
    network: Path, inputs: list[npt.NDArray[np.float32]], tmp_path: Path
) -> None:
    small = tmp_path / "int8.onnx"
    quantize(network, small, inputs)
    assert small_layers(small) & {"w1", "w2", "w3", "w4"} == {"w1", "w2", "w3"}


@pytest.mark.parametrize(
    ("runs_on", "bits", "largest"), [("cpu", None, 64), ("cpu", 8, 127), ("tensorrt", None, 127), ("tensorrt", 7, 64)]
)
def test_weights_use_as_many_bits_as_they_may(
    network: Path, inputs: list[npt.NDArray[np.float32]], tmp_path: Path, runs_on: str, bits: int | None, largest: int
) -> None:
    small = tmp_path / "int8.onnx"
    quantize(network, small, inputs, runs_on=runs_on, bits=bits)  # type: ignore[arg-type]  # parametrize knows only str
    held = int8_weights(small).values()
    assert held
    assert all(largest - 1 <= np.abs(weights.astype(int)).max() <= largest for weights in held)


def test_int8_for_tensorrt_has_zero_points_of_zero(
    network: Path, inputs: list[npt.NDArray[np.float32]], tmp_path: Path
) -> None:
    small = tmp_path / "int8.onnx"
    quantize(network, small, inputs, runs_on="tensorrt")
    graph = onnx.load(small).graph
    points = {node.input[2] for node in graph.node if node.op_type == "QuantizeLinear"}
    values = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    assert points
    assert all(values[name].dtype == np.int8 and not values[name].any() for name in points)


def test_layers_left_out_keep_full_precision_and_bring_the_outputs_nearer(
    network: Path, inputs: list[npt.NDArray[np.float32]], tmp_path: Path
) -> None:
    whole, part = tmp_path / "whole.onnx", tmp_path / "part.onnx"
    with quantizer(network, inputs) as forms:
        ranking = forms.sensitivities()
        assert {each.layer for each in ranking} == set(forms.layers()) == {"first", "second", "product"}
        forms.write(whole)
        forms.write(part, [ranking[0].layer, ranking[1].layer])
    assert compare(network, part, inputs).mean < compare(network, whole, inputs).mean


def test_no_more_layers_are_left_out_than_the_bound_needs(
    network: Path, inputs: list[npt.NDArray[np.float32]], tmp_path: Path
) -> None:
    target = tmp_path / "int8.onnx"

    def loss(path: Path) -> float:
        """The number of layers in INT8: a loss that only grows with them, as real ones do but for chance."""
        return sum(name in small_layers(path) for name in ("w1", "w2", "w3"))

    with quantizer(network, inputs) as forms:
        worst = next(each.layer for each in forms.sensitivities() if each.layer != "product")
        for bound, left_out in [(3, []), (2, ["product"]), (1, ["product", worst])]:
            assert quantize_within(forms, target, loss, bound) == left_out
            assert loss(target) == bound
        assert sorted(quantize_within(forms, target, loss, bound=0)) == ["first", "product", "second"]
    assert compare(network, target, inputs).largest == 0, "with every layer left out it is the parent"


def test_an_int8_model_made_float_again_says_what_it_said(
    network: Path, inputs: list[npt.NDArray[np.float32]], tmp_path: Path
) -> None:
    small, whole, half, again = (tmp_path / f"{name}.onnx" for name in ("int8", "whole", "half", "again"))
    quantize(network, small, inputs)
    onnx.save(dequantized(small), whole)
    onnx.checker.check_model(onnx.load(whole), full_check=True)
    assert not {"QuantizeLinear", "DequantizeLinear"} & {node.op_type for node in onnx.load(whole).graph.node}
    assert compare(small, whole, inputs).mean < compare(network, small, inputs).mean, "only the weights stay rounded"
    to_fp16(small, half)
    assert compare(whole, half, inputs).largest < 2e-3
    for _ in range(2):  # And once more INT8, and float again: no name is given twice.
        quantize(whole, again, inputs)
        assert compare(whole, again, inputs).largest < 0.05
        onnx.save(dequantized(again), whole)


def test_what_was_never_int8_is_not_changed(network: Path) -> None:
    assert dequantized(network) == onnx.load(network)


def test_pointwise_leaves_alone_what_looks_around_and_what_weighs_channels(tmp_path: Path) -> None:
    random = np.random.default_rng(7)
    shapes = {"wide": (8, 3, 3, 3), "point": (8, 8, 1, 1), "weigh": (8, 8, 1, 1), "kept/point": (8, 8, 1, 1)}
    shapes["given"] = (8, 8, 1, 1)
    nodes = [
        helper.make_node("Conv", ["x", "wide"], ["a"], "wide", pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["a", "point"], ["b"], "point"),
        helper.make_node("GlobalAveragePool", ["b"], ["c"], "mean"),
        helper.make_node("Conv", ["c", "weigh"], ["d"], "weigh"),
        helper.make_node("Mul", ["b", "d"], ["e"], "weighed"),
        helper.make_node("Conv", ["e", "kept/point"], ["f"], "kept/point"),
        helper.make_node("Conv", ["f", "given"], ["y"], "given"),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", *SIZE[1:]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 8, *SIZE[2:]])],
        [numpy_helper.from_array(random.normal(0, 0.3, s).astype(np.float32), name) for name, s in shapes.items()],
    )
    source, small = tmp_path / "net.onnx", tmp_path / "int8.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), source)
    some = [random.random(SIZE, dtype=np.float32) for _ in range(4)]
    with quantizer(source, some, only="pointwise") as forms:
        assert forms.layers() == ["point", "kept/point"]
    with quantizer(source, some, only="pointwise", keep=["kept"]) as forms:
        forms.write(small)
    assert small_layers(small) & shapes.keys() == {"point"}
    assert compare(source, small, some).largest < 0.1


@pytest.mark.slow
def test_the_command_of_its_card_makes_the_weights_of_the_reader_in_the_box(tmp_path: Path) -> None:
    shipped, source, again = find_model("plate-reader").weights, tmp_path / "float.onnx", tmp_path / "int8.onnx"
    onnx.save(dequantized(shipped), source)
    plates = [np.random.default_rng(seed).random((1, 1, 48, 192), np.float32) * 2 - 1 for seed in range(2)]
    with quantizer(source, plates, only="pointwise", keep=["stem"], bits=8) as forms:
        forms.write(again)
    wanted, got = ({name: value.tobytes() for name, value in int8_weights(path).items()} for path in (shipped, again))
    assert len(wanted) == 28
    assert sorted(wanted.values()) == sorted(got.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["plate-detector", "plate-reader"])
def test_the_models_in_the_box_have_a_half_precision_form_that_both_runtimes_take(name: str, tmp_path: Path) -> None:
    model = find_model(name)
    held, picture = model.manifest.input, plate_frame().image
    to_fp16(model.weights, tmp_path / "half.onnx")
    shown = whole(picture[145:215, 185:455], held) if model.manifest.task == "reader" else picture[:352, :640]
    array = normalise([shown], held)
    onnx.save(dequantized(model.weights), tmp_path / "whole.onnx")
    wanted = open_session(tmp_path / "whole.onnx").run(array)
    for device in ("cpu", "openvino"):
        got = open_session(tmp_path / "half.onnx", device).run(array)  # type: ignore[arg-type]  # a str of the two
        for one, other in zip(wanted, got, strict=True):
            assert np.abs(one - other).mean() < 0.03 * max(1.0, np.abs(one).mean())  # Through some 60 layers.


def int8_weights(path: Path) -> dict[str, npt.NDArray[np.int8]]:
    held = onnx.load(path).graph.initializer
    found = {each.name: numpy_helper.to_array(each) for each in held if each.data_type == TensorProto.INT8}
    return {name: value for name, value in found.items() if value.ndim == 4}


def small_layers(path: Path) -> set[str]:
    """Weights that are kept as INT8."""
    held = onnx.load(path).graph.initializer
    return {each.name.removesuffix("_quantized") for each in held if each.data_type == TensorProto.INT8}


def test_a_loss_beyond_the_bound_is_refused() -> None:
    zeros, ones = [np.zeros(3, np.float32)], [np.ones(3, np.float32)]
    between(zeros, zeros).require(largest=0.0)
    with pytest.raises(ParityError, match=r"differ by up to 1 .*\n.*at most 0.5"):
        between(zeros, ones).require(largest=0.5)
