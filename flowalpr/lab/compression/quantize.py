"""Smaller numbers for a trained network: INT8 calibrated on real pictures.

INT8 is written as QDQ nodes (quantize, dequantize around each layer), which onnxruntime and OpenVINO run as integer
arithmetic and TensorRT accepts when the zero point is 0 (`runs_on="tensorrt"`). Weights have a scale per channel;
activations have one that is calibrated on inputs of the kind the network will meet. What the network gives stays whole:
a detector's scores and corners in one array are of too different sizes for one scale (5 of 495 plates were misread).
"""

from __future__ import annotations

import inspect
import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from flowalpr.lab.compression.cost import WEIGHTED
from flowalpr.lab.compression.parity import outputs, session

if TYPE_CHECKING:
    import onnx

Calibrate = Literal["minmax", "percentile", "entropy"]
Target = Literal["cpu", "tensorrt"]
BITS: dict[Target, int] = {"cpu": 7, "tensorrt": 8}
"""Bits of a weight where nothing else is asked for. With 7, x86 without VNNI can add products in 16 bits, a third
faster than what onnxruntime does there for 8, and OpenVINO's sums do not overflow; 8 are a little nearer to the parent.
"""
Only = Literal["all", "pointwise"]
"""Which layers become INT8: all that can, or convolutions of one pixel over a map and nothing between them."""
Inputs = Sequence[npt.NDArray[np.float32]]
"""Arrays as the network's one input takes them, each with the batch in front; 50 to 200 are enough."""

PRODUCTS = ("Gemm", "MatMul")
FEW = 24
"""Inputs that are enough to rank layers by what INT8 does to them."""
LIGHT = ("Add", "AveragePool", "Concat", "GlobalAveragePool", "MaxPool", "Mul", "Relu", "Resize")
"""Layers that follow those in INT8, so that numbers are not converted there and back between two of them."""


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """What making a single layer INT8 does to the outputs of the network."""

    layer: str
    noise: float
    """Mean square error of the outputs over their mean square; 0 is no harm at all."""


def quantize(
    source: Path,
    target: Path,
    inputs: Inputs,
    *,
    leave_out: Sequence[str] = (),
    calibrate: Calibrate = "minmax",
    runs_on: Target = "cpu",
    bits: int | None = None,
) -> None:
    """Write the INT8 form of a network; layers named in `leave_out` keep full precision."""
    with quantizer(source, inputs, calibrate=calibrate, runs_on=runs_on, bits=bits) as forms:
        forms.write(target, leave_out)


@contextmanager
def quantizer(
    source: Path,
    inputs: Inputs,
    *,
    calibrate: Calibrate = "minmax",
    runs_on: Target = "cpu",
    bits: int | None = None,
    also: Sequence[str] = (),
    only: Only = "all",
    keep: Sequence[str] = (),
) -> Iterator[Quantizer]:
    """A quantizer of one network that calibrates once, however many forms are then written.

    `also` are kinds of light layers, such as Sigmoid and Clip, that this network bears in INT8 and others may not.
    Layers with one of the words of `keep` in their name stay in full precision.
    """
    from onnxruntime.quantization.shape_inference import quant_pre_process  # type: ignore[import-untyped]  # no types

    with tempfile.TemporaryDirectory(prefix="flowalpr-int8-") as folder:
        prepared = Path(folder, "prepared.onnx")
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        light = (*LIGHT, *also) if only == "all" else tuple(also)
        yield Quantizer(
            prepared, inputs, calibrate, runs_on, bits or BITS[runs_on], light, _chosen(prepared, only, keep)
        )


@dataclass(frozen=True, slots=True)
class Quantizer:
    """Writes INT8 forms of one network, which has been prepared: constants folded, shapes inferred."""

    prepared: Path
    inputs: Inputs
    calibrate: Calibrate
    runs_on: Target
    bits: int
    light: Sequence[str]
    chosen: Sequence[str]
    """Names of the layers that may become INT8, from the input to the output."""

    def layers(self, kinds: Sequence[str] = WEIGHTED) -> list[str]:
        """Names of the layers of some kinds that may be left out, from the input to the output."""
        import onnx

        nodes = onnx.load(self.prepared).graph.node
        return [node.name for node in nodes if node.op_type in kinds and node.name in self.chosen]

    def write(self, target: Path, leave_out: Sequence[str] = ()) -> None:
        """Write the INT8 form in which the layers named keep full precision."""
        from onnxruntime.quantization import (  # type: ignore[import-untyped]  # no types
            CalibrationMethod,
            QuantFormat,
            QuantType,
            quantize_static,
        )

        methods = {
            "minmax": CalibrationMethod.MinMax,
            "percentile": CalibrationMethod.Percentile,
            "entropy": CalibrationMethod.Entropy,
        }
        symmetric = self.runs_on == "tensorrt"
        # onnxruntime before 1.24 keeps no ranges: it calibrates again for each form, slower but the same.
        keeps = "calibration_cache_path" in inspect.signature(quantize_static).parameters
        with _quiet():
            quantize_static(
                self.prepared,
                target,
                _Reader(self.prepared, self.inputs),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=[*WEIGHTED, *self.light],
                per_channel=True,
                activation_type=QuantType.QInt8 if symmetric else QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                reduce_range=self.bits == 7,
                nodes_to_exclude=self._with_followers(leave_out),
                calibrate_method=methods[self.calibrate],
                extra_options={
                    "ActivationSymmetric": symmetric,
                    "CalibTensorRangeSymmetric": symmetric,
                    # One input at a time: percentile and entropy would else hold every layer's output of all of them.
                    "CalibStridedMinMax": 1,
                },
                **({"calibration_cache_path": self.prepared.with_name("ranges.json")} if keeps else {}),
            )

    def sensitivities(self) -> list[Sensitivity]:
        """The layers, the one that suffers most from INT8 first; each is tried alone."""
        names, inputs = self.layers(), self.inputs[:FEW]
        wanted = outputs(session(self.prepared), inputs)
        alone = self.prepared.with_name("alone.onnx")
        found = []
        for name in names:
            self.write(alone, [other for other in names if other != name])
            found.append(Sensitivity(name, _noise(wanted, outputs(session(alone), inputs))))
        return sorted(found, key=lambda each: each.noise, reverse=True)

    def _with_followers(self, leave_out: Sequence[str]) -> list[str]:
        """The layers left out and the light ones that no INT8 layer feeds: alone they would only lose."""
        import onnx

        left_out = {*leave_out, *self._never()}
        small: set[str] = set()
        for node in onnx.load(self.prepared).graph.node:
            light = node.op_type in self.light
            if (node.op_type in WEIGHTED and node.name not in left_out) or (light and small & set(node.input)):
                small.update(node.output)
            elif light:
                left_out.add(node.name)
        return sorted(left_out)

    def _never(self) -> list[str]:
        import onnx

        nodes = onnx.load(self.prepared).graph.node
        return [node.name for node in nodes if node.op_type in WEIGHTED and node.name not in self.chosen]


def quantize_within(forms: Quantizer, target: Path, loss: Callable[[Path], float], bound: float) -> list[str]:
    """Write the INT8 form with the fewest layers left out whose loss is within a bound; gives those layers.

    First every layer is tried, then convolutions alone, since matrix products and what lies between them suffer most:
    in a reader with two transformer layers they cost 4.7 points, and the convolutions none; a detector of convolutions
    alone lost 0.3. After that layers are left out from the most sensitive on; how many is found by halving, since each
    try costs an evaluation. Where nothing but the untouched network is within the bound, that is what is written.
    """
    products = forms.layers(PRODUCTS)
    for names in ([], products) if products else ([],):
        if _loss_after(forms, target, names, loss) <= bound:
            return names
    names = products + [each.layer for each in forms.sensitivities() if each.layer not in products]
    fewest, most = len(products) + 1, len(names)
    while fewest < most:
        middle = (fewest + most) // 2
        if _loss_after(forms, target, names[:middle], loss) <= bound:
            most = middle
        else:
            fewest = middle + 1
    forms.write(target, names[:fewest])
    return names[:fewest]


def _loss_after(forms: Quantizer, target: Path, leave_out: Sequence[str], loss: Callable[[Path], float]) -> float:
    """The loss of one INT8 form, which is written to `target`."""
    forms.write(target, leave_out)
    return loss(target)


def _chosen(prepared: Path, only: Only, keep: Sequence[str]) -> list[str]:
    """Names of the layers that may become INT8."""
    import onnx

    graph = onnx.load(prepared).graph
    shapes = {each.name: tuple(each.dims) for each in graph.initializer}
    maker = {name: node for node in graph.node for name in node.output}
    given = {each.name for each in graph.output}
    return [
        node.name
        for node in graph.node
        if node.op_type in WEIGHTED
        and not given & set(node.output)
        and not any(word in node.name for word in keep)
        and (only == "all" or (_is_pointwise(node, shapes) and not _is_averaged(node, maker)))
    ]


def _is_pointwise(node: onnx.NodeProto, shapes: Mapping[str, tuple[int, ...]]) -> bool:
    groups = next((each.i for each in node.attribute if each.name == "group"), 1)
    return node.op_type == "Conv" and shapes.get(node.input[1], ())[2:] == (1, 1) and groups == 1


def _is_averaged(node: onnx.NodeProto, maker: Mapping[str, onnx.NodeProto]) -> bool:
    """Whether a layer sees one mean for the whole picture, as those that weight channels do: too few to be worth it."""
    before = maker.get(node.input[0])
    while before is not None and before.op_type in ("Conv", "Relu"):
        before = maker.get(before.input[0])
    return before is not None and before.op_type in ("ReduceMean", "GlobalAveragePool")


def _noise(wanted: Sequence[npt.NDArray[np.float32]], got: Sequence[npt.NDArray[np.float32]]) -> float:
    error = sum(float(np.square(a - b).sum()) for a, b in zip(wanted, got, strict=True))
    return error / max(sum(float(np.square(a).sum()) for a in wanted), 1e-12)


class _Reader:
    """Calibration inputs the way onnxruntime asks for them, one after the other; None at the end."""

    def __init__(self, model: Path, inputs: Inputs) -> None:
        import onnx

        self._name = onnx.load(model).graph.input[0].name
        self._inputs = inputs
        self._left = iter(inputs)

    def __len__(self) -> int:
        return len(self._inputs)

    def set_range(self, start_index: int, end_index: int) -> None:
        """Give only these inputs from now on."""
        self._left = iter(self._inputs[start_index:end_index])

    def get_next(self) -> Mapping[str, npt.NDArray[np.float32]] | None:
        array = next(self._left, None)
        return None if array is None else {self._name: array}


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps from the user's terminal what onnxruntime prints and logs while it calibrates."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        with redirect_stdout(StringIO()):
            yield
    finally:
        root.setLevel(level)
