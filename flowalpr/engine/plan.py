"""Cuts a graph into segments, each run by one thread with direct calls, and says why each cut is made.

A cut costs some 20 µs a message and a thread switch, a call 0.2 µs; so cuts are made only where they buy something:
after a source, around a node that blocks or computes for long, around an `async def` node, and where threads meet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from flowalpr.flow.graph import FlowNode, Graph
from flowalpr.messages import Detections, Frame, Message

WAITING = 32
"""Messages that a wire holds before its sender waits."""
WAITING_PICTURES = 2
"""The same for messages that hold whole frames: one at work, one waiting; more would only be memory and delay."""


@dataclass(frozen=True, slots=True)
class SegmentPlan:
    """Nodes of one thread, each after those that feed it, and why they are not in another."""

    name: str
    """The name of its first node."""
    nodes: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class WirePlan:
    """A wire from a node to another segment, where `entries` are the nodes that receive."""

    source: str
    segment: str
    entries: tuple[str, ...]
    holds: int
    drops: bool = False
    """Whether it keeps the latest message of each camera, in place of making the sender wait."""
    faults: bool = False
    """Whether it carries the faults of `source` and not its messages."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Segments, each after those that feed it, and the wires between them."""

    segments: tuple[SegmentPlan, ...]
    wires: tuple[WirePlan, ...]

    def segment_of(self) -> Mapping[str, str]:
        """The segment's name of each node."""
        return MappingProxyType({node: segment.name for segment in self.segments for node in segment.nodes})


def plan(graph: Graph) -> Plan:
    """The segments and wires of a graph."""
    members: dict[str, list[str]] = {}
    why: dict[str, str] = {}
    home: dict[str, str] = {}
    shared: dict[frozenset[str], str] = {}
    for node in graph.nodes.values():
        reason = _alone(node, graph)
        feeders = frozenset(home[each] for each in node.inputs)
        segment = None if reason else _joined(feeders, why, shared)
        if segment is None:
            segment = node.name
            members[segment], why[segment] = [], reason or "after " + ", ".join(sorted(feeders))
            if not reason:
                shared[feeders] = segment
        members[segment].append(node.name)
        home[node.name] = segment
    segments = tuple(SegmentPlan(name, tuple(nodes), why[name]) for name, nodes in members.items())
    return Plan(segments, tuple(_wires(graph, home)))


def _alone(node: FlowNode, graph: Graph) -> str:
    """Why a node must have a thread of its own, or the empty string."""
    if node.is_source:
        return "source"
    if node.ports.is_async:
        return "async"
    if node.node.heavy:
        return "heavy"
    return "catches faults" if graph.catches(node.name) else ""


def _joined(feeders: frozenset[str], why: Mapping[str, str], shared: Mapping[frozenset[str], str]) -> str | None:
    """The segment that a light node joins: its only feeder's, if that is light, or that of its siblings."""
    if len(feeders) == 1:
        (feeder,) = feeders
        if why[feeder].startswith("after "):
            return feeder
    return shared.get(feeders)


def _wires(graph: Graph, home: Mapping[str, str]) -> list[WirePlan]:
    wires: list[WirePlan] = []
    for node in graph.nodes.values():
        targets: dict[str, list[str]] = {}
        for each in graph.outputs(node.name):
            if home[each] != home[node.name]:
                targets.setdefault(home[each], []).append(each)
        drops = node.gives is not None and issubclass(node.gives, Frame) and graph.live(node.name)
        holds = 1 if drops else _holds(node.gives)
        wires += [WirePlan(node.name, segment, tuple(nodes), holds, drops) for segment, nodes in targets.items()]
        if node.on_error in graph.nodes:
            # A fault holds what failed, so perhaps a whole frame.
            wires.append(WirePlan(node.name, home[node.on_error], (node.on_error,), WAITING_PICTURES, faults=True))
    return wires


def _holds(given: type[Message] | None) -> int:
    return WAITING_PICTURES if given is not None and issubclass(given, (Frame, Detections)) else WAITING
