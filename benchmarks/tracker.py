"""What following plates costs and how well it does: `python benchmarks/tracker.py`.

Goal: at most 0.3 ms a frame with ten plates. The scenes are drawn lanes of cars that come nearer, with a detector that
errs by a tenth of the plate's height, and more and more plates missed, found in vain and frames lost.

MOTA and IDF1 are of drawn scenes alone: they need the true place of every plate in every frame, which no clip that we
have comes with, and boxes that our own detector drew would be no truth. What can be told of a real clip is how often
each plate is told: on a public one of a toll gate (ParkPow, MIT; 339 frames, 720p) `flows/parking.yaml` tells five
plates, each once, and nothing that is no plate.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from statistics import mean, median
from time import thread_time

import numpy as np

from flowalpr import Detections, Stamp
from flowalpr.testing import NOON
from flowalpr_builtin.detect.track import Track

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from support.scenes import Scene, Score, approaching, detections, score, straight  # From the tests.

QUEUE = tuple(approaching(250 + 160 * lane, 3.0, since=0.7 * lane) for lane in range(5))
MEETING = tuple(straight((100 if row % 2 else 1180, 200 + 60 * row), (250 if row % 2 else -250, 0)) for row in range(6))
SEEDS = range(10)


def main() -> None:
    print(f"{len(QUEUE + MEETING)} cars; missed and lost are shares, in vain is a frame; means of {len(SEEDS)} scenes")
    print(f"{'missed':>7} {'in vain':>8} {'lost':>5} {'MOTA':>6} {'IDF1':>6} {'switches':>9} {'tracks':>7}")
    for missed, false, dropped in ((0, 0, 0), (0.05, 0.05, 0), (0.15, 0.2, 0), (0.15, 0.2, 0.3), (0.3, 0.5, 0.3)):
        scores = [_tracked(Scene(QUEUE + MEETING, 6.0, 15, 0.1, missed, false, dropped, seed)) for seed in SEEDS]
        row = [mean(getattr(each, name) for each in scores) for name in ("mota", "idf1", "switches", "tracks")]
        print(f"{missed:7.0%} {false:8.2f} {dropped:5.0%} {row[0]:6.3f} {row[1]:6.3f} {row[2]:9.1f} {row[3]:7.1f}")
    spent = _cost(plates=10, frames=500)
    print(f"\nten plates: {median(spent):.3f} ms a frame, p95 {np.quantile(spent, 0.95):.3f} ms (goal: 0.3)")


def _tracked(scene: Scene) -> Score:
    node = Track()
    truth = detections(scene)
    return score(truth, [node.process(found) for found, _, _ in truth])


def _cost(plates: int, frames: int) -> list[float]:
    """Milliseconds of CPU of each call of the node with that many plates."""
    ways = tuple(straight((100 + 100 * lane, 50), (20, 5 * lane)) for lane in range(plates))
    truth = detections(Scene(ways, frames / 30, 30, jitter=0.05))
    node, spent = Track(), []
    for number, (found, _, _) in enumerate(truth):
        stamp = Stamp("cost", NOON + timedelta(seconds=number / 30), number)
        message = Detections(type(found.frame)(found.frame.image, stamp), found.found)
        started = thread_time()
        node.process(message)
        spent.append(1000 * (thread_time() - started))
    return spent


if __name__ == "__main__":
    main()
