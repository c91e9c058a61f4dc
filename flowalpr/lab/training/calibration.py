"""Makes a reader's confidence true: one number that its logits are divided by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from flowalpr.vision.reader import best_path, look, softmax

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowalpr.lab.training.reader_data import RealPlate
    from flowalpr.lab.training.reader_task import ReaderRecipe
    from flowalpr.vision.session import Session

TEMPERATURES = np.geomspace(0.5, 4.0, 43)
"""Tried one after the other: 5 % apart, which moves a confidence of 0.9 by less than 0.01."""


def best_temperature(network: Session, recipe: ReaderRecipe, plates: Sequence[RealPlate]) -> float:
    """The temperature at which the confidence of whole texts costs least (log loss) on these plates."""
    logits = [look(network, recipe.input, [plate.cut(recipe.margin)])[0][0] for plate in plates]

    def cost(temperature: float) -> float:
        total = 0.0
        for plate, each in zip(plates, logits, strict=True):
            text, confidences = best_path(softmax(each / np.float32(temperature)), recipe.alphabet)
            chance = float(np.clip(np.prod(confidences), 1e-4, 1 - 1e-4)) if text else 1e-4
            total -= float(np.log(chance if text == plate.text else 1 - chance))
        return total

    return min(map(float, TEMPERATURES), key=cost)
