"""How many plate crops a core draws in a second, beside what that core is worth.

    python benchmarks/synth.py [--seconds 10] [--seed 0]

CPU time is counted, not wall time, so other work on the machine does not matter much. The second figure is a fixed
piece of work of the same kind, turning and blurring a plate-sized picture, to compare machines by.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import cv2
import numpy as np

from flowalpr.lab.datasets.synthetic.crop import synthetic_crop
from flowalpr.lab.datasets.synthetic.plate import Drawer

WARM_UP = 1500
"""Crops before the clock starts: each character of each typeface is drawn once and kept."""


def rate(work: Callable[[int], object], seconds: float) -> float:
    """Calls of `work` a second of CPU time."""
    done, start = 0, time.process_time()
    while (spent := time.process_time() - start) < seconds:
        work(done)
        done += 1
    return done / spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    drawer = Drawer()
    picture = np.random.default_rng(0).integers(0, 256, (80, 320, 3), dtype=np.uint8)
    turn = np.array([[1.0, 0.1, 2.0], [0.02, 1.0, 1.0], [0.0001, 0.0, 1.0]])

    def crop(index: int) -> None:
        synthetic_crop(drawer, 0.06, np.random.default_rng([given.seed, index]))

    def fixed(_: int) -> None:
        cv2.GaussianBlur(cv2.warpPerspective(picture, turn, (320, 80)), (0, 0), 1.5)

    for index in range(WARM_UP):
        crop(2**31 + index)
    yardstick, crops = rate(fixed, given.seconds / 5), rate(crop, given.seconds)
    print(f"{crops:.0f} crops a core-second; {yardstick:.0f} turned and blurred pictures of 320 x 80 a core-second")
    print(f"one crop costs as much as {yardstick / crops:.1f} of those")


if __name__ == "__main__":
    main()
