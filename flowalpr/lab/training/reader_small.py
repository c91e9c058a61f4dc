"""A small reader: plain convolutions and ReLU, a ninth of the multiplications of the large one, to be taught by it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from flowalpr.lab.training.detector import Conv, Residual
from flowalpr.lab.training.reader import Logits

COLUMNS = 192
"""Channels of each column that may hold a character."""


class SmallReader(nn.Module):
    """Reads plates: float32, (n, 1, 48, width), -1..1 to `Logits`; width is a multiple of 8. 0.8 million parameters."""

    def __init__(self, characters: int, countries: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            Conv(1, 24, stride=2), Conv(24, 48, stride=2), Residual(48), Conv(48, 96, stride=2), Residual(96)
        )
        # Six rows are left. They are laid into the channels rather than averaged: above and below tell 5 from S.
        self.fold = nn.Sequential(Conv(96, 128), nn.Conv2d(128, COLUMNS, (6, 1), bias=False), nn.BatchNorm2d(COLUMNS))
        self.along = nn.Sequential(Along(), Along(), Along())
        self.head = nn.Linear(COLUMNS, 1 + characters)
        self.rows = nn.Linear(COLUMNS, 1)
        self.country = nn.Linear(COLUMNS, countries)

    def forward(self, x: Tensor) -> Logits:
        x = self.along(torch.relu(self.fold(self.body(x))))
        columns = x.flatten(2).transpose(1, 2)
        whole = columns.mean(1)
        return Logits(self.head(columns), self.rows(whole)[:, 0], self.country(whole))


class Along(nn.Module):
    """Lets a column know of two to each side; three of them see a third of a plate."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv2d(COLUMNS, COLUMNS // 2, (1, 5), padding=(0, 2), bias=False)
        self.norm = nn.BatchNorm2d(COLUMNS // 2)
        self.widen = nn.Conv2d(COLUMNS // 2, COLUMNS, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Maps of the same shape."""
        mixed: Tensor = self.widen(torch.relu(self.norm(self.mix(x))))
        return torch.relu(x + mixed)
