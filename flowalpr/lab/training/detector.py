"""The plate detector: the network and its loss, whole.

One class, no anchors, one map of stride 8 with context from strides 16 and 32. Each cell of the map says how sure it
is that a plate's middle is near, where the plate's box lies and where its four corners are, all in units of the box
itself, so that a plate of 20 and one of 300 pixels are the same task. Plain convolutions and ReLU only: on CPUs with
INT8 instructions that is twice as fast as depthwise convolutions and SiLU of the same accuracy.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDE = 8
VALUES = 13  # One score, four numbers of the box, eight of the corners.
LARGEST_EXPONENT = 5.0  # exp(5) cells of 8 pixels are 1,187 pixels: no plate is larger, and no exp overflows.


class Targets(NamedTuple):
    """What a batch of pictures shows; the second axis counts the plates, padded with weight 0."""

    boxes: Tensor
    """float32, (batch, plates, 4), left top right bottom in pixels."""
    corners: Tensor
    """float32, (batch, plates, 4, 2), clockwise from left top in pixels."""
    weights: Tensor
    """float32, (batch, plates): 1 a plate to be found, 0 padding, -1 do not care what is said there."""
    corner_weights: Tensor
    """float32, (batch, plates): how far the corners are to be believed, 0..1."""


class Found(NamedTuple):
    """What the network says, cell by cell, row after row."""

    scores: Tensor
    """(batch, cells), before the sigmoid."""
    boxes: Tensor
    """(batch, cells, 4), left top right bottom in pixels."""
    corners: Tensor
    """(batch, cells, 4, 2), in pixels."""
    cells: Tensor
    """(cells, 2), x and y of the middle of each cell, in pixels."""


class Conv(nn.Sequential):
    """Convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, size: int = 3, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class Residual(nn.Module):
    """Two 3x3 convolutions through half the channels, added to what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(Conv(channels, channels // 2), Conv(channels // 2, channels))

    def forward(self, maps: Tensor) -> Tensor:
        """Maps of the same shape."""
        inner: Tensor = self.inner(maps)
        return maps + inner


class Context(nn.Module):
    """What lies around: three max-pools in a row, so that a cell sees 13 cells to each side."""

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        self.narrow = Conv(channels, channels // 2, 1)
        self.pool = nn.MaxPool2d(5, 1, 2)
        self.join = Conv(channels * 2, outputs, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps of the same height and width."""
        parts = [self.narrow(maps)]
        for _ in range(3):
            parts.append(self.pool(parts[-1]))
        joined: Tensor = self.join(torch.cat(parts, 1))
        return joined


class PlateDetector(nn.Module):
    """From pictures, float32, (batch, 3, height, width), BGR, 0..1, to (batch, 13, height / 8, width / 8)."""

    def __init__(self, widths: tuple[int, int, int, int, int, int] = (16, 32, 48, 96, 160, 64)) -> None:
        super().__init__()
        one, two, three, four, five, neck = widths
        self.eighth = nn.Sequential(
            Conv(3, one, stride=2), Conv(one, two, stride=2), Conv(two, three, stride=2), *_residuals(three, 2)
        )
        self.sixteenth = nn.Sequential(Conv(three, four, stride=2), *_residuals(four, 3))
        self.thirtysecond = nn.Sequential(Conv(four, five, stride=2), *_residuals(five, 2), Context(five, neck))
        self.side_sixteenth, self.side_eighth = Conv(four, neck, 1), Conv(three, neck, 1)
        self.mix_sixteenth, self.mix_eighth = Conv(neck, neck), Conv(neck, neck)
        self.head = nn.Sequential(Conv(neck, neck), last_layer(neck))

    def forward(self, pictures: Tensor) -> Tensor:
        """Raw values of every cell; `decoded` makes boxes of them."""
        eighth = self.eighth(pictures)
        sixteenth = self.sixteenth(eighth)
        maps = self.mix_sixteenth(self.side_sixteenth(sixteenth) + doubled(self.thirtysecond(sixteenth)))
        maps = self.mix_eighth(self.side_eighth(eighth) + doubled(maps))
        values: Tensor = self.head(maps)
        return values


def decoded(values: Tensor) -> Found:
    """Boxes and corners in pixels of the network's raw values, (batch, 13, rows, columns)."""
    _, _, rows, columns = values.shape
    flat = values.float().flatten(2).transpose(1, 2)
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    cells = torch.stack([x, y], -1).reshape(-1, 2).to(flat) * STRIDE + STRIDE / 2
    sizes = flat[..., 3:5].clamp(max=LARGEST_EXPONENT).exp() * STRIDE
    middles = cells + flat[..., 1:3] * sizes
    boxes = torch.cat([middles - sizes / 2, middles + sizes / 2], -1)
    corner_of_box = torch.tensor([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]]).to(flat)
    moves = flat[..., 5:].reshape(*flat.shape[:2], 4, 2)
    corners = middles[..., None, :] + (corner_of_box + moves) * sizes[..., None, :]
    return Found(flat[..., 0], boxes, corners, cells)


class DetectorLoss(nn.Module):
    """How wrong the network is: score, box and corners, with the cells that answer for a plate chosen by merit.

    A plate's candidates are the cells near its middle; those ten that are best by score and overlap answer for it
    (task-aligned assignment, Feng et al. 2021, TOOD), and the best of them is to be sure, others the less the worse.
    """

    answering = 10
    reach = 0.3
    """Candidates lie this far from the middle, in widths and heights of the plate ..."""
    least_reach = 7.0
    """... and at least so many pixels, or plates lower than a cell would have none."""

    def forward(self, values: Tensor, targets: Targets) -> dict[str, Tensor]:
        """The parts of the loss, each a scalar, weighted for summing up."""
        found = decoded(values)
        merit, chosen = self._assigned(found, targets)
        plate = merit.argmax(1)  # (batch, cells): the plate that a cell answers for, if any.
        wanted = merit.amax(1)
        positive = wanted > 0
        total = wanted.sum().clamp(min=1)
        care = self._cared_for(found, targets, chosen)
        score = functional.binary_cross_entropy_with_logits(found.scores, wanted, reduction="none")
        index = plate[positive]
        batch = torch.arange(len(plate), device=plate.device)[:, None].expand_as(plate)[positive]
        weight = wanted[positive]
        boxes, true_boxes = found.boxes[positive], targets.boxes[batch, index]
        overlap = (1 - complete_iou(boxes, true_boxes)) * weight
        corners, true_corners = found.corners[positive], targets.corners[batch, index]
        sizes = (true_boxes[:, 2:] - true_boxes[:, :2]).clamp(min=4)[:, None]
        miss = functional.smooth_l1_loss(corners / sizes, true_corners / sizes, reduction="none", beta=0.05)
        miss = miss.mean((1, 2)) * weight * targets.corner_weights[batch, index]
        return {
            "score": (score * care).sum() / total,
            "box": 2.0 * overlap.sum() / total,
            "corners": 6.0 * miss.sum() / total,
        }

    @torch.no_grad()
    def _assigned(self, found: Found, targets: Targets) -> tuple[Tensor, Tensor]:
        """Wanted score of each cell for each plate, (batch, plates, cells), and which cells are near a plate."""
        boxes = targets.boxes
        middles, sizes = (boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]
        distance = (found.cells - middles[:, :, None]).abs()
        near = (distance <= (sizes * self.reach).clamp(min=self.least_reach)[:, :, None]).all(-1)
        near &= targets.weights[..., None] > 0
        overlap = _overlap(found.boxes[:, None], boxes[:, :, None]) * near
        merit = torch.sigmoid(found.scores)[:, None].sqrt() * overlap.pow(6) + 1e-9 * near
        best, where = merit.topk(min(self.answering, merit.shape[-1]), dim=-1)
        chosen = torch.zeros_like(merit).scatter_(-1, where, (best > 0).to(merit))
        chosen *= merit == merit.amax(1, keepdim=True)  # A cell answers for one plate only.
        merit *= chosen
        return merit / merit.amax(-1, keepdim=True).clamp(min=1e-12), near

    @torch.no_grad()
    def _cared_for(self, found: Found, targets: Targets, near: Tensor) -> Tensor:
        """1 for each cell whose score counts, (batch, cells); 0 inside boxes marked as not to care about."""
        cells = found.cells
        inside = ((cells >= targets.boxes[:, :, None, :2]) & (cells < targets.boxes[:, :, None, 2:])).all(-1)
        unsure = (inside & (targets.weights[..., None] < 0)).any(1) & ~near.any(1)
        return (~unsure).to(found.scores)


def complete_iou(first: Tensor, second: Tensor) -> Tensor:
    """Overlap of pairs of boxes less distance and difference of shape (Zheng et al. 2020, CIoU): (n, 4) to (n,)."""
    overlap = _overlap(first, second)
    hull = torch.maximum(first[:, 2:], second[:, 2:]) - torch.minimum(first[:, :2], second[:, :2])
    apart = (first[:, :2] + first[:, 2:] - second[:, :2] - second[:, 2:]) / 2
    distance = apart.pow(2).sum(1) / hull.pow(2).sum(1).clamp(min=1e-6)
    (one_wide, one_high), (two_wide, two_high) = _sides(first), _sides(second)
    shape = (torch.atan(two_wide / two_high) - torch.atan(one_wide / one_high)).pow(2) * 0.4053  # 4 / pi^2
    trade = (shape / (1 - overlap + shape).clamp(min=1e-6)).detach()
    return overlap - distance - trade * shape


def _overlap(first: Tensor, second: Tensor) -> Tensor:
    shared = torch.minimum(first[..., 2:], second[..., 2:]) - torch.maximum(first[..., :2], second[..., :2])
    both = shared.clamp(min=0).prod(-1)
    area = (first[..., 2:] - first[..., :2]).prod(-1) + (second[..., 2:] - second[..., :2]).prod(-1)
    return both / (area - both).clamp(min=1e-6)


def _sides(boxes: Tensor) -> tuple[Tensor, Tensor]:
    width, height = (boxes[:, 2:] - boxes[:, :2]).clamp(min=1e-3).unbind(1)
    return width, height


def _residuals(channels: int, count: int) -> list[Residual]:
    return [Residual(channels) for _ in range(count)]


def last_layer(channels: int) -> nn.Conv2d:
    """The last layer of a detector; it starts with scores of 1 % and plates of 64 x 24 pixels."""
    layer = nn.Conv2d(channels, VALUES, 1)
    bias = torch.zeros(VALUES)
    bias[0], bias[3], bias[4] = -4.6, 2.1, 1.1
    layer.load_state_dict({"weight": torch.randn(VALUES, channels, 1, 1) * 0.01, "bias": bias})
    return layer


def doubled(maps: Tensor) -> Tensor:
    """The maps at twice the height and width."""
    return functional.interpolate(maps, scale_factor=2.0, mode="nearest")
