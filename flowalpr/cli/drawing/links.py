"""What is drawn between two nodes, whatever it is drawn with."""

from __future__ import annotations

from dataclasses import dataclass

from flowalpr.engine.plan import Plan
from flowalpr.flow.graph import FlowNode, Graph


@dataclass(frozen=True, slots=True)
class Link:
    """A wire from one node to another."""

    source: str
    target: str
    carries: str
    """The class of its messages."""
    holds: int = 0
    """How many messages it holds between two threads; 0 for a call within one."""
    drops: bool = False
    faults: bool = False

    @property
    def label(self) -> str:
        """What it carries and holds, in words."""
        if not self.holds:
            return self.carries
        return f"{self.carries}, {'latest' if self.drops else f'holds {self.holds}'}"


def links(graph: Graph, plan: Plan) -> list[Link]:
    """All wires of a flow, in the order of its nodes."""
    buffers = {(wire.source, entry, wire.faults): wire for wire in plan.wires for entry in wire.entries}
    found: list[Link] = []
    for node in graph.nodes.values():
        for source in node.inputs:
            buffer = buffers.get((source, node.name, False))
            holds, drops = (buffer.holds, buffer.drops) if buffer else (0, False)
            found.append(Link(source, node.name, gives(graph.nodes[source]), holds, drops))
    for (source, target, faults), buffer in buffers.items():
        if faults:
            found.append(Link(source, target, "Fault", buffer.holds, faults=True))
    return found


def short(node: FlowNode) -> str:
    """The name of a node's class without its plugin."""
    return node.uses.rpartition(".")[2]


def takes(node: FlowNode) -> str:
    """What a node takes, in words; empty for a source."""
    return " or ".join(each.__name__ for each in node.ports.takes)


def gives(node: FlowNode) -> str:
    """What comes out of a node, in words; empty for a sink."""
    return node.gives.__name__ if node.gives else ""


def ports(node: FlowNode) -> str:
    """What a node takes and gives, in words."""
    return " ".join(part for part in (takes(node), f"-> {gives(node)}" if node.gives else "") if part)
