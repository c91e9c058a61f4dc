"""A flow's figures as Prometheus reads them. Labels are names of the flow file alone, never what a node says."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from flowalpr.telemetry.meter import bucket_end

if TYPE_CHECKING:
    from flowalpr.control.flow import RunningFlow
    from flowalpr.telemetry.snapshot import BoxSnapshot, FlowSnapshot

FORMAT = CONTENT_TYPE_LATEST
BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Of the histogram of latencies, in seconds; the counters behind it know them to an eighth."""


def metrics_of(flow: RunningFlow) -> bytes:
    """All metrics, in the text format of Prometheus."""
    registry = CollectorRegistry()
    registry.register(_Figures(flow))
    return bytes(generate_latest(registry))


class _Figures(Collector):
    def __init__(self, flow: RunningFlow) -> None:
        self._flow = flow
        self._name = flow.name

    def collect(self) -> Iterator[Metric]:
        seen = self._flow.snapshot()
        yield self._one("flowalpr_flow_seconds", "How long the flow has run.", seen.seconds)
        yield self._one("flowalpr_alerts_open", "Alerts that nobody has acknowledged.", seen.alerts_open)
        yield self._one("flowalpr_paused", "Whether any node is paused.", float(seen.paused))
        letters = CounterMetricFamily("flowalpr_dead_letters", "Messages put aside after errors.", labels=["flow"])
        letters.add_metric([self._name], self._flow.runner.dead_letters.count)
        yield letters
        yield from self._nodes(seen)
        yield from self._cameras(seen)
        backlog = GaugeMetricFamily("flowalpr_sink_backlog", "Messages not yet arrived.", labels=["flow", "node"])
        for sink in seen.sinks:
            backlog.add_metric([self._name, sink.name], sink.backlog)
        yield backlog
        passages = CounterMetricFamily("flowalpr_passages", "Passages by their end.", labels=["flow", "reason"])
        for reason, count in seen.reasons.items():
            passages.add_metric([self._name, reason], count)
        yield passages
        if seen.box is not None:
            yield from self._box(seen.box)

    def _nodes(self, seen: FlowSnapshot) -> Iterator[Metric]:
        labels = ["flow", "node", "uses"]
        for name, text in (
            ("taken", "Messages dealt with."),
            ("given", "Messages given on."),
            ("dropped", "Messages not given to it."),
            ("errors", "Messages it failed on."),
        ):
            counter = CounterMetricFamily(f"flowalpr_node_{name}", text, labels=labels)
            for node in seen.nodes:
                counter.add_metric([self._name, node.name, node.uses], getattr(node, name))
            yield counter
        waiting = GaugeMetricFamily("flowalpr_node_waiting", "Messages on the wires to it.", labels=labels)
        running = GaugeMetricFamily("flowalpr_node_running", "1 if nothing is amiss with it.", labels=labels)
        for node in seen.nodes:
            waiting.add_metric([self._name, node.name, node.uses], node.waiting)
            running.add_metric([self._name, node.name, node.uses], float(node.state in ("running", "live", "ended")))
        yield waiting
        yield running
        times = HistogramMetricFamily("flowalpr_node_seconds", "Time spent with a message.", labels=["flow", "node"])
        busy = {node.name: node.busy_ms / 1000 for node in seen.nodes}
        for name, counts in self._flow.runner.latencies().items():
            times.add_metric([self._name, name], _cumulative(counts), busy.get(name, 0.0))
        yield times

    def _cameras(self, seen: FlowSnapshot) -> Iterator[Metric]:
        labels = ["flow", "camera"]
        fps = GaugeMetricFamily("flowalpr_camera_fps", "Frames a second of late.", labels=labels)
        age = GaugeMetricFamily("flowalpr_camera_frame_age_seconds", "Since the last frame came.", labels=labels)
        frames = CounterMetricFamily("flowalpr_camera_frames", "Frames that came.", labels=labels)
        dropped = CounterMetricFamily("flowalpr_camera_dropped", "Frames replaced by newer ones.", labels=labels)
        reconnects = CounterMetricFamily("flowalpr_camera_reconnects", "Tries after a failure.", labels=labels)
        for camera in seen.cameras:
            where = [self._name, camera.name]
            fps.add_metric(where, camera.fps)
            if camera.age_s is not None:
                age.add_metric(where, camera.age_s)
            frames.add_metric(where, camera.frames)
            dropped.add_metric(where, camera.dropped)
            reconnects.add_metric(where, camera.reconnects)
        yield from (fps, age, frames, dropped, reconnects)

    def _box(self, box: BoxSnapshot) -> Iterator[Metric]:
        yield self._one("flowalpr_box_cpu_percent", "Load of all cores together.", box.cpu_percent)
        yield self._one("flowalpr_box_memory_used_bytes", "Memory in use on the machine.", box.memory_used)
        yield self._one("flowalpr_box_flow_memory_bytes", "Memory of the flow's process.", box.flow_memory)
        yield self._one("flowalpr_box_disk_free_bytes", "Free where the flow keeps its state.", box.disk_free)
        if box.temperature is not None:
            yield self._one("flowalpr_box_temperature_celsius", "Of the hottest part that tells.", box.temperature)

    def _one(self, name: str, text: str, value: float) -> Metric:
        gauge = GaugeMetricFamily(name, text, labels=["flow"])
        gauge.add_metric([self._name], value)
        return gauge


def _cumulative(counts: Sequence[int]) -> list[tuple[str, float]]:
    """The counts of a meter as a histogram: how many calls took at most so long."""
    passed = list(accumulate(counts))
    ends = [bucket_end(index) / 1e9 for index in range(len(counts))]  # Rising where they matter.
    within = [bisect_right(ends, bound) for bound in BOUNDS]
    found = [
        (str(bound), float(passed[count - 1] if count else 0)) for bound, count in zip(BOUNDS, within, strict=True)
    ]
    return [*found, ("+Inf", float(passed[-1] if passed else 0))]
