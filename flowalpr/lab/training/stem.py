"""The first layers that PP-OCRv6's small detector and recogniser have in common, but for their width."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Stem(nn.Module):
    """Quarters a picture: float32, (n, inputs, h, w) to (n, 2 * width, h / 4, w / 4)."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, width, 3, 2, 1)
        self.left = nn.Conv2d(width, width // 2, 2)
        self.right = nn.Conv2d(width // 2, width, 2)
        self.join = nn.Conv2d(2 * width, width, 3, 2, 1)
        self.last = nn.Conv2d(width, 2 * width, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.first(x))
        # Even kernels need one more column and row on the right and below to keep the size.
        side = functional.relu(self.left(functional.pad(x, (0, 1, 0, 1))))
        side = functional.relu(self.right(functional.pad(side, (0, 1, 0, 1))))
        pooled = functional.max_pool2d(functional.pad(x, (0, 1, 0, 1)), 2, 1)
        return functional.relu(self.last(functional.relu(self.join(torch.cat([pooled, side], 1)))))
