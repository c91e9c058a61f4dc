"""What the engine costs: a node, a branch, a border, a whole flow; and how old frames get when it is overloaded.

    python benchmarks/engine.py

Every figure is a median or a stated quantile; what is compared is measured side by side, in turns, in one run.
"""

from __future__ import annotations

import argparse
import gc
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import ClassVar

import numpy as np

from flowalpr import Frame, Message, Node, PlateRead, Stamp
from flowalpr.engine.runner import Runner
from flowalpr.engine.segment import Segment
from flowalpr.engine.step import Step
from flowalpr.flow.graph import FlowNode, Graph
from flowalpr.testing import plate_read


class Relay(Node):
    """Passes reads on."""

    def process(self, read: PlateRead) -> PlateRead:
        return read


class Look(Node):
    """A sink that takes frames and touches nothing."""

    def process(self, frame: Frame) -> None: ...


class FrameRelay(Node):
    """Passes frames on."""

    def process(self, frame: Frame) -> Frame:
        return frame


class Paced(Node):
    """A live camera of `fps` frames a second for `seconds`."""

    fps: float = 100.0
    seconds: float = 5.0
    height: int = 720
    width: int = 1280

    def is_live(self) -> bool:
        return True

    def process(self) -> Iterator[Frame]:
        image = np.zeros((self.height, self.width, 3), np.uint8)
        start = time.monotonic()
        for number in range(int(self.fps * self.seconds)):
            pause = start + number / self.fps - time.monotonic()
            if pause > 0 and self.wait(pause):
                return
            yield Frame(image.view(), Stamp(self.name, datetime.now(timezone.utc), number))


@dataclass(frozen=True, slots=True, eq=False)
class Moment(Message):
    """When it was sent, in nanoseconds."""

    sent: int


class Ticking(Node):
    """Sends a moment, `count` times, each after a pause in which all threads fall asleep."""

    count: int = 2000

    def process(self) -> Iterator[Moment]:
        for _ in range(self.count):
            time.sleep(0.001)
            yield Moment(time.perf_counter_ns())


class Arrival(Node):
    """Notes how long each moment was on its way, in nanoseconds."""

    _delays: list[int]

    def open(self) -> None:
        self._delays = []

    def process(self, moment: Moment) -> None:
        self._delays.append(time.perf_counter_ns() - moment.sent)

    def delays(self) -> list[int]:
        return self._delays


class Slow(Node):
    """Works `seconds` on a frame, without holding the interpreter, and notes how old the frame was by then."""

    heavy: ClassVar[bool] = True
    seconds: float = 0.02
    _ages: list[float]

    def open(self) -> None:
        self._ages = []

    def process(self, frame: Frame) -> None:
        self._ages.append((datetime.now(timezone.utc) - frame.stamp.time).total_seconds())
        time.sleep(self.seconds)

    def ages(self) -> list[float]:
        return self._ages


def graph_of(*specs: tuple[str, Node, str]) -> Graph:
    nodes: dict[str, FlowNode] = {}
    for name, node, inputs in specs:
        feeders = tuple(inputs.split())
        gives = (
            node.ports().given(nodes[feeders[0]].gives) if feeders and nodes[feeders[0]].gives else node.ports().gives
        )
        nodes[name] = FlowNode(name, name, node, feeders, gives)
    return Graph("benchmark", nodes)


def segment_of(graph: Graph) -> Segment:
    steps = {name: Step(node, print, print) for name, node in graph.nodes.items()}
    for name, step in steps.items():
        step.next = tuple(steps[each] for each in reversed(graph.outputs(name)))
    return Segment("benchmark", list(steps.values()))


def cpu_each(call: Callable[[], object], times: int) -> float:
    """Median CPU time of a call, in microseconds, over seven rounds."""
    rounds = []
    for _ in range(7):
        gc.collect()
        start = time.process_time()
        for _ in range(times):
            call()
        rounds.append((time.process_time() - start) / times * 1e6)
    return statistics.median(rounds)


def node_cost() -> str:
    names = [f"n{number}" for number in range(10)]
    segment = segment_of(graph_of(*[(name, Relay(), names[i - 1] if i else "") for i, name in enumerate(names)]))
    read, entry = plate_read(), (segment.steps[0],)
    methods = [step.node.process for step in segment.steps]

    def by_hand() -> None:
        message = read
        for method in methods:
            message = method(message)

    whole, bare = cpu_each(lambda: segment.handle(entry, read), 20_000) / 10, cpu_each(by_hand, 20_000) / 10
    return f"CPU a node a message inside a segment: {whole:.2f} us (goal <= 0.5; the bare calls: {bare:.2f})"


def branch_cost() -> str:
    frame = Frame(np.zeros((1080, 1920, 3), np.uint8), Stamp("bench", datetime.now(timezone.utc), 0))
    frame.image.setflags(write=False)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    costs = {}
    for count in (1, 4):
        looks = [(f"k{number}", Look(), "relay") for number in range(count)]
        segment = segment_of(graph_of(("relay", FrameRelay(), ""), *looks))
        entry = (segment.steps[0],)
        costs[count] = cpu_each(lambda s=segment, e=entry: s.handle(e, frame), 20_000)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    branch = (costs[4] - costs[1]) / 3
    return f"fan-out of a 6 MB frame: {branch:.2f} us a branch (goal <= 0.5), peak memory grew by {grown} kB"


def border_cost(folder: Path) -> str:
    arrival = Arrival()
    runner = Runner(graph_of(("tick", Ticking(), ""), ("arrival", arrival, "tick")), folder / "dead.jsonl")
    runner.start()
    runner.wait(60)
    runner.stop()
    delays = sorted(arrival.delays())
    p50, p95 = (delays[int(len(delays) * share)] / 1000 for share in (0.5, 0.95))
    return f"border between two segments, idle: p50 {p50:.0f} us, p95 {p95:.0f} us (goal p95 <= 25)"


def overload(folder: Path, seconds: float) -> str:
    slow = Slow(seconds=0.02)
    graph = graph_of(("cam", Paced(fps=100, seconds=seconds), ""), ("slow", slow, "cam"))
    runner = Runner(graph, folder / "dead.jsonl")
    runner.start()
    runner.wait(min(2.0, seconds / 2))
    early = _resident()
    runner.wait(seconds + 10)
    late = _resident()
    runner.stop()
    ages = sorted(slow.ages())
    p95 = ages[int(len(ages) * 0.95)]
    node = runner.snapshot().node("slow")
    return (
        f"live source at twice the capacity for {seconds:.0f} s: age p95 {p95 * 1000:.1f} ms = {p95 / 0.02:.2f} frame "
        f"times of the detector (goal <= 2), {node.dropped} of {node.dropped + node.taken} frames dropped, "
        f"memory {early:.0f} -> {late:.0f} MB"
    )


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0, help="how long the overload lasts")
    seconds = parser.parse_args().seconds
    print(node_cost())
    print(branch_cost())
    with tempfile.TemporaryDirectory() as folder:
        print(border_cost(Path(folder)))
        print(overload(Path(folder), seconds))


if __name__ == "__main__":
    main()
