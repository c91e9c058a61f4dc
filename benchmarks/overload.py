"""Four cameras that give a flow three times as many pictures as it can look at: who is looked at, and how old is it?

    python benchmarks/overload.py [--seconds 60] [--fps 10] [--times 3] [--json]

Four 720p RTSP streams over loopback go into one node that looks at a picture for as long as makes the load `times` its
capacity, as a detector that is too slow would; it sleeps, so that the figures are those of the engine and the cameras.
Goals: every camera has its share (a quarter of what is looked at); 95 % of the pictures are, when their look begins, no
older than two looks and one interval of a camera; nothing grows. `in flow` is that age without the way into the flow,
for a machine that is too busy to bring, or to serve, the pictures in time.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path
from statistics import quantiles
from time import monotonic, sleep
from typing import Any, ClassVar

from flowalpr import Frame, Node, now
from flowalpr.engine.runner import Runner
from flowalpr.flow.graph import FlowNode, Graph
from flowalpr_builtin.sources.camera import Camera as CameraNode

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from support.looped import CLIP, Camera, units  # Not a package: found by its path.

CAMERAS = 4


class Look(Node):
    """Looks at each picture for `seconds`, and notes whose it is, its number, its age, and when that was."""

    heavy: ClassVar[bool] = True
    seconds: float
    _seen: list[tuple[str, int, float, float]]

    def open(self) -> None:
        self._seen = []

    def process(self, frame: Frame) -> None:
        age = (now() - frame.stamp.time).total_seconds()
        self._seen.append((frame.stamp.camera, frame.stamp.number, age, monotonic()))
        sleep(self.seconds)

    def seen(self) -> list[tuple[str, int, float, float]]:
        return self._seen


class Arrivals(Node):
    """Passes every picture on and notes when it came."""

    _came: dict[tuple[str, int], float]

    def open(self) -> None:
        self._came = {}

    def process(self, frame: Frame) -> Frame:
        self._came[frame.stamp.camera, frame.stamp.number] = monotonic()
        return frame

    def came(self) -> dict[tuple[str, int], float]:
        return self._came


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--fps", type=int, default=10)
    options.add_argument("--times", type=float, default=3)
    options.add_argument("--json", action="store_true", help="print one JSON object in place of the table")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(Path(folder), given)
    lines = [f"{name.replace('_', ' '):<22} {value}" for name, value in result.items()]
    print(json.dumps(result) if given.json else "\n".join(lines))


def measure(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """The figures of one run, from its tenth second on."""
    looped = units(CLIP, folder / "clip", given.fps)
    cameras = {f"cam{number}": Camera(looped, given.fps) for number in range(CAMERAS)}
    for camera in cameras.values():
        camera.start()
    look, arrivals = Look(seconds=given.times / (given.fps * CAMERAS)), Arrivals()
    nodes = {name: FlowNode(name, "camera", CameraNode(url=each.url), (), Frame) for name, each in cameras.items()}
    nodes["arrivals"] = FlowNode("arrivals", "arrivals", arrivals, tuple(cameras), Frame)
    nodes["look"] = FlowNode("look", "look", look, ("arrivals",), None)
    runner = Runner(Graph("overload", nodes), folder / "dead-letters.jsonl")
    runner.start()
    memory: list[float] = []
    try:
        runner.wait(10)
        first = len(look.seen())
        until = monotonic() + given.seconds
        while monotonic() < until:
            memory.append(resident())
            runner.wait(1)
        snapshot = runner.snapshot()
    finally:
        runner.stop()
        for camera in cameras.values():
            camera.kill()
    seen = look.seen()[first:]
    half = len(seen) // 2
    shares = Counter(camera for camera, *_ in seen)
    inside = [at - arrivals.came()[camera, number] for camera, number, _, at in seen]
    limit = 2 * look.seconds + 1 / given.fps
    tenth = max(1, len(memory) // 10)
    return {
        "seconds": given.seconds,
        "load": round(sum(each.fps for each in snapshot.cameras) * look.seconds, 2),
        "looked_at": len(seen),
        "shares": {name: round(shares[name] / len(seen), 3) for name in cameras},
        "in_flow_p50_p95_ms": [_quantile(inside, share) for share in (50, 95)],
        "in_flow_p95_halves_ms": [_quantile(part, 95) for part in (inside[:half], inside[half:])],
        "age_p50_p95_ms": [_quantile([age for _, _, age, _ in seen], share) for share in (50, 95)],
        "goal_ms": round(limit * 1000),
        "memory_first_last_mb": [round(sum(part) / tenth, 1) for part in (memory[:tenth], memory[-tenth:])],
        "machine_load": [round(each, 1) for each in os.getloadavg()],
    }


def _quantile(seconds: list[float], percent: int) -> int:
    return round(quantiles(seconds, n=100)[percent - 1] * 1000)


def resident() -> float:
    """MB of memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    sys.exit(main())
