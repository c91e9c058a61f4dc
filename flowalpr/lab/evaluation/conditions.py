"""Real pictures under conditions that were not there: night, rain, fog, blur, put in by the generator's effects.

Where a data set has no pictures taken in rain, this says how much rain would cost: the same pictures with and
without, so that only the condition differs.
"""

from __future__ import annotations

import numpy as np

from flowalpr.errors import Problem, nearest
from flowalpr.lab.datasets.sample import DataError, Sample
from flowalpr.lab.evaluation.running import Change
from flowalpr.lab.evaluation.viewpoint import farther, turned
from flowalpr.vision.image import Picture

EVERYWHERE = frozenset({"light", "tint", "fog", "night", "infrared", "noise", "jpeg"})
"""Effects on the whole picture. The others are sized by a plate, so they are put on its surroundings."""
AROUND = 0.6
"""Part of a plate's width and height around it that such an effect covers on each side."""
VIEWPOINTS: dict[str, Change] = {"angle": turned, "distance": farther}
"""Conditions that move the labels as well."""
STRENGTH = 0.5
"""0..1: what a driver would call bad weather, not the worst."""


def under(name: str, strength: float = STRENGTH) -> Change:
    """What puts pictures under a condition; the same picture is always changed in the same way.

    Raises:
        DataError: there is no such effect.
    """
    from flowalpr.lab.datasets.synthetic.degrade import EFFECTS

    if name in VIEWPOINTS:
        return VIEWPOINTS[name]
    if name not in EFFECTS:
        known = [*VIEWPOINTS, *EFFECTS]
        raise DataError(Problem(f"there is no condition '{name}'", f"one of: {', '.join(known)}", nearest(name, known)))
    effect = EFFECTS[name]

    def change(image: Picture, sample: Sample, number: int) -> tuple[Picture, Sample]:
        random = np.random.default_rng(number)
        changed = np.array(image)
        whole = [(slice(None), slice(None))]
        for rows, columns in whole if name in EVERYWHERE else _surroundings(sample, image.shape[:2]):
            changed[rows, columns] = effect(np.ascontiguousarray(changed[rows, columns]), strength, random)
        return changed, sample

    return change


def _surroundings(sample: Sample, shape: tuple[int, ...]) -> list[tuple[slice, slice]]:
    """Rows and columns around each plate that has a box inside the picture."""
    around = []
    for plate in sample.plates:
        if plate.bounds is None:
            continue
        left, top, right, bottom = plate.bounds
        across, along = AROUND * (right - left), AROUND * (bottom - top)
        rows = slice(max(0, int(top - along)), min(shape[0], int(bottom + along)))
        columns = slice(max(0, int(left - across)), min(shape[1], int(right + across)))
        if rows.stop - rows.start >= 8 and columns.stop - columns.start >= 8:
            around.append((rows, columns))
    return around
