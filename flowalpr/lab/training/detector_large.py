"""The large plate detector: a backbone that has learnt to see text, with the small detector's neck and head on it.

The backbone is that of PP-OCRv6's small text detector (PaddleOCR authors, Apache-2.0), rebuilt here so that its
published weights can be loaded and trained on. Differences: ReLU in place of GELU and a fixed gate in place of squeeze
and excitation, both for INT8; batch normalisation and the normalisation of the input are folded into the convolutions.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from flowalpr.lab.training.checkpoint import TrainingError
from flowalpr.lab.training.detector import Conv, doubled, last_layer

BLOCKS = [
    # channels in, hidden, out, stride, whether the original weighs its channels (squeeze and excitation)
    (48, 96, 48, 1, True),
    (48, 96, 48, 1, False),
    (48, 96, 96, 2, False),
    (96, 192, 96, 1, True),
    (96, 192, 96, 1, False),
    (96, 192, 192, 2, False),
    (192, 384, 192, 1, True),
    (192, 384, 192, 1, False),
    (192, 384, 192, 1, True),
    (192, 384, 192, 1, False),
    (192, 384, 384, 2, False),
    (384, 768, 384, 1, True),
    (384, 768, 384, 1, False),
]
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""What the original takes off its input, 0..1, and divides it by; blue first, as PaddleOCR does it."""
Array = NDArray[np.float32]


class Stem(nn.Module):
    """Quarters a picture: (n, 3, h, w) to (n, 48, h / 4, w / 4)."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 24, 3, 2, 1)
        self.left = nn.Conv2d(24, 12, 2)
        self.right = nn.Conv2d(12, 24, 2)
        self.join = nn.Conv2d(48, 24, 3, 2, 1)
        self.last = nn.Conv2d(24, 48, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.first(x))
        # Even kernels need one more column and row on the right and below to keep the size.
        side = functional.relu(self.left(functional.pad(x, (0, 1, 0, 1))))
        side = functional.relu(self.right(functional.pad(side, (0, 1, 0, 1))))
        pooled = functional.max_pool2d(functional.pad(x, (0, 1, 0, 1)), 2, 1)
        return functional.relu(self.last(functional.relu(self.join(torch.cat([pooled, side], 1)))))


class Block(nn.Module):
    """Mixes positions by a depthwise convolution, then channels by a small perceptron."""

    def __init__(self, inputs: int, hidden: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.spatial = nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs)
        self.widen = nn.Conv2d(inputs, hidden, 1)
        self.narrow = nn.Conv2d(hidden, outputs, 1)
        self.residual = stride == 1

    def forward(self, x: Tensor) -> Tensor:
        x = self.spatial(x)
        mixed: Tensor = self.narrow(functional.relu(self.widen(x)))
        return x + mixed if self.residual else mixed


class LargePlateDetector(nn.Module):
    """From pictures, float32, (batch, 3, height, width), BGR, 0..1, to (batch, 13, height / 8, width / 8).

    The stem is not trained: it sees edges as they are, and at the highest resolution training costs most.
    """

    def __init__(self, neck: int = 64) -> None:
        super().__init__()
        self.stem = Stem().requires_grad_(False)
        blocks = [Block(*shape) for *shape, _ in BLOCKS]
        self.eighth, self.sixteenth = nn.Sequential(*blocks[:5]), nn.Sequential(*blocks[5:10])
        self.thirtysecond = nn.Sequential(*blocks[10:])
        self.side_eighth, self.side_sixteenth, self.side_thirtysecond = (Conv(c, neck, 1) for c in (96, 192, 384))
        self.mix_sixteenth, self.mix_eighth = Conv(neck, neck), Conv(neck, neck)
        self.head = nn.Sequential(Conv(neck, neck), last_layer(neck))

    def forward(self, pictures: Tensor) -> Tensor:
        eighth = self.eighth(self.stem(pictures))
        sixteenth = self.sixteenth(eighth)
        maps = self.side_sixteenth(sixteenth) + doubled(self.side_thirtysecond(self.thirtysecond(sixteenth)))
        maps = self.side_eighth(eighth) + doubled(self.mix_sixteenth(maps))
        values: Tensor = self.head(self.mix_eighth(maps))
        return values


def load_pretrained(network: LargePlateDetector, path: Path, pictures: Sequence[Array]) -> None:
    """Fill the backbone from PP-OCRv6's small text detector in ONNX.

    What is not rebuilt is replaced by what it does on average on `pictures`, each float32, (1, 3, height, width), BGR,
    0..1: a gate by its mean, and what GELU lets through below zero by a shift.

    Raises:
        TrainingError: the file holds another network.
    """
    layers = [
        m for part in (network.stem, network.eighth, network.sixteenth, network.thirtysecond) for m in part.modules()
    ]
    ours = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
    blocks = [layer for layer in layers if isinstance(layer, Block)]
    found = _convolutions(path, len(ours))
    if [tuple(layer.weight.shape) for layer in ours] != [tuple(weight.shape) for weight, _ in found]:
        raise TrainingError(f"{path} holds another network", expected="PP-OCRv6's small text detector")
    for layer, (weight, bias) in zip(ours, found, strict=True):
        _hold(layer, weight, bias)
    mean, deviation = torch.tensor(MEAN)[:, None, None], torch.tensor(DEVIATION)[:, None, None]
    gates, tails = _averages(path, [((torch.from_numpy(each) - mean) / deviation).numpy() for each in pictures])
    weight, bias = _held(network.stem.first)
    _hold(network.stem.first, weight / deviation, bias - (weight * mean / deviation).sum((1, 2, 3)))
    gate = iter(gates)
    for block, shape, tail in zip(blocks, BLOCKS, tails, strict=True):
        weight, bias = _held(block.narrow)
        _hold(block.narrow, weight, bias + weight[:, :, 0, 0] @ tail)
        if shape[-1]:
            weight, bias = _held(block.spatial)
            mean_gate = next(gate)
            _hold(block.spatial, weight * mean_gate[:, None, None, None], bias * mean_gate)


def _held(layer: nn.Conv2d) -> tuple[Tensor, Tensor]:
    state = layer.state_dict()
    return state["weight"], state["bias"]


def _hold(layer: nn.Conv2d, weight: Tensor, bias: Tensor) -> None:
    layer.load_state_dict({"weight": weight, "bias": bias})


def _convolutions(path: Path, count: int) -> list[tuple[Tensor, Tensor]]:
    """Weights and biases of the first `count` convolutions, but for those of squeeze and excitation."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(path).graph
    arrays = {each.name: torch.from_numpy(numpy_helper.to_array(each).copy()) for each in graph.initializer}
    same = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Identity"}
    users = {name: node for node in graph.node for name in node.input}

    def origin(name: str) -> str:
        while name in same:
            name = same[name]
        return name

    found: list[tuple[Tensor, Tensor]] = []
    pooled: set[str] = set()  # What lies between the mean over the picture and the gate made of it.
    for node in graph.node:
        if node.op_type == "ReduceMean" or (node.op_type != "HardSigmoid" and pooled & set(node.input[:1])):
            pooled.add(node.output[0])
        elif node.op_type == "Conv" and len(found) < count:
            bias = origin(users[node.output[0]].input[1])
            found.append((arrays[origin(node.input[1])], arrays[bias].reshape(-1)))
    return found


def _averages(path: Path, inputs: Sequence[Array]) -> tuple[list[Tensor], list[Tensor]]:
    """Mean of each gate, and mean of GELU less ReLU of each hidden layer, by channel, over the inputs."""
    import onnx
    from onnxruntime import InferenceSession  # type: ignore[import-untyped]  # carries no types

    model = onnx.load(path)
    nodes = model.graph.node
    blocks, gates = len(BLOCKS), sum(shape[-1] for shape in BLOCKS)
    gate_names = [node.output[0] for node in nodes if node.op_type == "HardSigmoid"][:gates]
    before = [node.input[0] for node in nodes if node.op_type == "Div"][:blocks]
    after = [f"p2o.pd_op.gelu.{number}.0" for number in range(blocks)]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in [*gate_names, *before, *after])
    session = InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    sums: list[Array] = []
    for array in inputs:
        results = session.run([*gate_names, *before, *after], {session.get_inputs()[0].name: array.astype(np.float32)})
        means = [each.mean((0, 2, 3)) for each in results[:gates]]
        hidden = zip(results[gates : gates + blocks], results[gates + blocks :], strict=True)
        means += [(gelu - np.maximum(x, 0)).mean((0, 2, 3)) for x, gelu in hidden]
        sums = [total + mean for total, mean in zip(sums, means, strict=True)] if sums else means
    mean = [torch.from_numpy(total / len(inputs)) for total in sums]
    return mean[:gates], mean[gates:]
