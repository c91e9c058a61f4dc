"""A flow of ten nodes around a detector and a reader, against a hand-written loop of the same calls.

    python benchmarks/flow.py [--rounds 5] [--detect detect --ocr ocr]

The same frames of the sample clip, decoded beforehand, go through both, in turns. The flow's nodes run in threads of
their own where the plan cuts, so it may be faster than the loop; what the engine itself costs shows in the CPU time.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from flowalpr import Frame, Message, Node, PlateRead
from flowalpr.cli.logs import set_up
from flowalpr.engine.runner import Runner
from flowalpr.flow.graph import FlowNode, Graph
from flowalpr.flow.load import load_flow
from flowalpr.plugins import Catalogue, load_plugins

CLIP = Path(__file__).parents[1] / "flows" / "sample" / "gate.mp4"
FLOW = """
flow: ten
nodes:
  clip:    {{uses: video, with: {{path: "{clip}"}}}}
  some:    {{uses: sample, from: clip, with: {{every: 1}}}}
  plates:  {{uses: {detect}, from: some}}
  text:    {{uses: {ocr}, from: plates}}
  repair:  {{uses: format, from: text}}
  sure:    {{uses: confident, from: repair, with: {{at_least: 0.1}}}}
  where:   {{uses: where, from: sure, with: {{that: "confidence > 0.2"}}}}
  limit:   {{uses: rate_limit, from: where, with: {{at_most: 1000, per: 1 s}}}}
  once:    {{uses: distinct, from: limit, with: {{cool_down: 1 ms}}}}
"""


class Again(Node):
    """Gives frames that are in memory already."""

    _frames: list[Frame]

    def give(self, frames: list[Frame]) -> None:
        self._frames = frames

    def process(self) -> Iterator[Frame]:
        yield from self._frames


class Count(Node):
    """A sink that counts."""

    _count: int = 0

    def process(self, read: PlateRead) -> None:
        self._count += 1

    def count(self) -> int:
        return self._count


def graph_of(catalogue: Catalogue, text: str, frames: list[Frame]) -> tuple[Graph, Count]:
    """The flow with its source replaced by frames in memory, and a counting sink as its tenth node."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ten.yaml"
        path.write_text(text, encoding="utf-8")
        nodes = dict(load_flow(path, catalogue).nodes)
    again, count = Again(), Count()
    again.give(frames)
    nodes["clip"] = FlowNode("clip", "again", again, (), Frame)
    nodes["count"] = FlowNode("count", "count", count, ("once",))
    return Graph("ten", nodes), count


def by_hand(graph: Graph, frames: list[Frame]) -> tuple[float, float]:
    """Wall and CPU seconds of a loop that calls the nodes one after another."""
    nodes = [node.node for node in graph.nodes.values() if not node.is_source]
    for node in nodes:
        node.open()
    wall, cpu = time.perf_counter(), time.process_time()
    for frame in frames:
        messages: list[Message] = [frame]
        for node in nodes:
            given: list[Message] = []
            for message in messages:
                result = node.process(message)  # type: ignore[attr-defined]  # Each node declares its own.
                if isinstance(result, Message):
                    given.append(result)
                elif result is not None:
                    given += result
            messages = given
    spent = time.perf_counter() - wall, time.process_time() - cpu
    for node in nodes:
        node.close()
    return spent


def by_engine(graph: Graph) -> tuple[float, float]:
    """Wall and CPU seconds of the flow, from the opening of the last node to the end of its source."""
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(graph, Path(folder) / "dead.jsonl")
        runner.start()
        wall, cpu = time.perf_counter(), time.process_time()
        runner.wait()
        spent = time.perf_counter() - wall, time.process_time() - cpu
        runner.stop()
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--detect", default="detect")
    parser.add_argument("--ocr", default="ocr")
    options = parser.parse_args()
    set_up(verbose=0, as_json=False)
    catalogue = load_plugins()
    text = FLOW.format(clip=CLIP, detect=options.detect, ocr=options.ocr)
    video = catalogue.find("builtin.video").node.model_validate({"path": str(CLIP)})
    video.open()
    frames = list(video.process())  # type: ignore[attr-defined]  # Each node declares its own.
    video.close()
    rates, costs, counts = [], [], set()
    for _ in range(options.rounds):
        graph, count = graph_of(catalogue, text, frames)
        hand_wall, hand_cpu = by_hand(graph, frames)
        by_hand_count = count.count()
        graph, count = graph_of(catalogue, text, frames)
        flow_wall, flow_cpu = by_engine(graph)
        counts.add((by_hand_count, count.count()))
        rates.append(hand_wall / flow_wall)
        costs.append(flow_cpu / hand_cpu)
        print(f"  by hand {len(frames) / hand_wall:6.1f} frames/s, flow {len(frames) / flow_wall:6.1f} frames/s")
    print(f"reads (by hand, flow): {sorted(counts)}")
    print(
        f"throughput of the flow: {statistics.median(rates):.3f} of the loop's (goal >= 0.98), "
        f"CPU: {statistics.median(costs):.3f} of the loop's"
    )


if __name__ == "__main__":
    main()
