"""The large plate detector: a network that has learnt to see text, with a plate detector's head on it.

Backbone and neck are those of PP-OCRv6's small text detector (PaddleOCR authors, Apache-2.0), rebuilt here so that its
published weights can be loaded and trained on. Differences: the neck's map of stride 4 is left out, a plate being
larger than a letter; GELU is the nearest sigmoid form of it, which INT8 can do; and batch normalisation and the
normalisation of the input are folded into the convolutions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from flowalpr.lab.training.checkpoint import TrainingError
from flowalpr.lab.training.detector import Conv, doubled, last_layer
from flowalpr.lab.training.stem import Stem

BLOCKS = [
    # channels in, hidden, out, stride, squeeze and excitation
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
NECK, NARROW = 96, 24
"""Channels of the neck's maps, and of what each of them gives to the head."""
NEAREST = 1.702
"""x sigmoid(1.702 x) is GELU to two hundredths (Hendrycks and Gimpel 2016)."""
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""What the original takes off its input, 0..1, and divides it by; blue first, as PaddleOCR does it."""


class SqueezeExcite(nn.Module):
    """Weighs each channel by what the whole picture holds of it; `slope` is that of the hard sigmoid."""

    def __init__(self, channels: int, slope: float) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, channels // 4, 1)
        self.expand = nn.Conv2d(channels // 4, channels, 1)
        self.slope = slope

    def forward(self, x: Tensor) -> Tensor:
        weight: Tensor = self.expand(functional.relu(self.reduce(functional.adaptive_avg_pool2d(x, 1))))
        return x * (weight * self.slope + 0.5).clamp(0, 1)


class Block(nn.Module):
    """Mixes positions by a depthwise convolution, then channels by a small perceptron."""

    def __init__(self, inputs: int, hidden: int, outputs: int, stride: int, excite: bool) -> None:
        super().__init__()
        self.spatial = nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs)
        self.excite = SqueezeExcite(inputs, 1 / 6) if excite else nn.Identity()
        self.widen = nn.Conv2d(inputs, hidden, 1)
        self.narrow = nn.Conv2d(hidden, outputs, 1)
        self.residual = stride == 1

    def forward(self, x: Tensor) -> Tensor:
        x = self.excite(self.spatial(x))
        wide = self.widen(x)
        mixed: Tensor = self.narrow(wide * torch.sigmoid(NEAREST * wide))
        return x + mixed if self.residual else mixed


class Weighed(nn.Module):
    """A 1x1 convolution whose channels are weighed and added to themselves."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.excite = SqueezeExcite(outputs, 0.2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.mix(x)
        excited: Tensor = self.excite(x)
        return x + excited


class Level(nn.Module):
    """One map of the neck: from the backbone in, and, once mixed with coarser maps, on to the head."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.side = Weighed(inputs, NECK)
        self.around = nn.Conv2d(NECK, NECK, 7, 1, 3, groups=NECK)
        self.narrow = Weighed(NECK, NARROW)

    def out(self, mixed: Tensor) -> Tensor:
        """What the head is given of the map."""
        narrow: Tensor = self.narrow(self.around(mixed))
        return narrow


class LargePlateDetector(nn.Module):
    """From pictures, float32, (batch, 3, height, width), BGR, 0..1, to (batch, 13, height / 8, width / 8).

    The stem is not trained: it sees edges as they are, and at the highest resolution training costs most.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = Stem(3, 24).requires_grad_(False)
        blocks = [Block(*shape) for shape in BLOCKS]
        self.eighth, self.sixteenth = nn.Sequential(*blocks[:5]), nn.Sequential(*blocks[5:10])
        self.thirtysecond = nn.Sequential(*blocks[10:])
        self.level8, self.level16, self.level32 = Level(96), Level(192), Level(384)
        self.head = nn.Sequential(Conv(3 * NARROW, 96), Conv(96, 64), last_layer(64))

    def forward(self, pictures: Tensor) -> Tensor:
        eighth = self.eighth(self.stem(pictures))
        sixteenth = self.sixteenth(eighth)
        coarse = self.level32.side(self.thirtysecond(sixteenth))
        middle = self.level16.side(sixteenth) + doubled(coarse)
        fine = self.level8.side(eighth) + doubled(middle)
        maps = [doubled(doubled(self.level32.out(coarse))), doubled(self.level16.out(middle)), self.level8.out(fine)]
        values: Tensor = self.head(torch.cat(maps, 1))
        return values


def load_pretrained(network: LargePlateDetector, path: Path) -> None:
    """Fill backbone and neck from PP-OCRv6's small text detector in ONNX.

    Raises:
        TrainingError: the file holds another network.
    """
    levels = (network.level32, network.level16, network.level8)
    backbone = (network.stem, network.eighth, network.sixteenth, network.thirtysecond)
    # The order of the file: backbone, the neck's sides from coarse to fine, then what each gives to the head.
    ours = _layers(*backbone, *(each.side for each in levels))
    later = _layers(*(part for each in levels for part in (each.around, each.narrow)))
    found = _convolutions(path)
    skipped = len(_layers(Weighed(1, 4)))  # The side of the map of stride 4.
    found = found[: len(ours)] + found[len(ours) + skipped :][: len(later)]
    ours += later
    if [layer.weight.shape for layer in ours] != [weight.shape for weight, _ in found]:
        raise TrainingError(f"{path} holds another network", expected="PP-OCRv6's small text detector")
    mean, deviation = (torch.tensor(each)[:, None, None] for each in (MEAN, DEVIATION))
    weight, bias = found[0]
    found[0] = weight / deviation, bias - (weight * mean / deviation).sum((1, 2, 3))
    for layer, (weight, bias) in zip(ours, found, strict=True):
        layer.load_state_dict({"weight": weight, "bias": bias} if layer.bias is not None else {"weight": weight})


def _layers(*parts: nn.Module) -> list[nn.Conv2d]:
    return [layer for part in parts for layer in part.modules() if isinstance(layer, nn.Conv2d)]


def _convolutions(path: Path) -> list[tuple[Tensor, Tensor]]:
    """Weights and biases of all convolutions in the order of the file; no bias is an empty one."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(path).graph
    arrays = {each.name: torch.from_numpy(numpy_helper.to_array(each).copy()) for each in graph.initializer}
    source: dict[str, Any] = {node.output[0]: node for node in graph.node}  # Any: onnx carries no types
    users = {name: node for node in graph.node if node.op_type != "Identity" for name in node.input}

    def origin(name: str) -> str:
        while name in source and source[name].op_type == "Identity":
            name = source[name].input[0]
        return name

    found = []
    for node in graph.node:
        if node.op_type == "Conv":
            after = users.get(node.output[0])
            added = arrays.get(origin(after.input[1])) if after is not None and after.op_type == "Add" else None
            found.append((arrays[origin(node.input[1])], torch.zeros(0) if added is None else added.reshape(-1)))
    return found
