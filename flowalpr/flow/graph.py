"""A checked flow: nodes, ready to be opened, and the wires between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flowalpr.errors import Place
from flowalpr.flow.declared import Privacy
from flowalpr.messages import Message
from flowalpr.node import Node, Ports


@dataclass(frozen=True, slots=True)
class FlowNode:
    """One node of a flow, checked and built but not yet open."""

    name: str
    """Its name in the flow; nodes of a subflow are named `subflow/node`."""
    uses: str
    """The full name of its class: `builtin.vote`."""
    node: Node
    inputs: tuple[str, ...] = ()
    """Names of the nodes it receives from."""
    gives: type[Message] | None = None
    """The message class that comes out of it as wired; None for a sink."""
    on_error: str = "skip"
    """`skip`, `stop`, or the name of the node that receives its faults."""
    places: Mapping[str, Place] = field(default_factory=dict)
    """Where the flow file says what it uses, under the empty name, and where it has its settings."""

    @property
    def ports(self) -> Ports:
        """What its class takes and gives."""
        return self.node.ports()

    @property
    def is_source(self) -> bool:
        """Whether nothing goes in."""
        return not self.ports.takes

    def same_as(self, other: FlowNode) -> bool:
        """Whether a running node need not be replaced by the other: same class, same settings."""
        # Not `==` of the nodes, which compares what they remember too, nor their dumps, in which secrets are masked.
        return self.uses == other.uses and all(
            getattr(self.node, name) == getattr(other.node, name) for name in type(self.node).model_fields
        )


@dataclass(frozen=True, slots=True)
class Graph:
    """A flow known to be sound: types fit along every wire, there is no loop, every node is fed."""

    name: str
    nodes: Mapping[str, FlowNode]
    """By name, each after all that feed it."""
    path: Path | None = None
    """The flow file."""
    files: tuple[Path, ...] = field(default=())
    """The flow file and the subflow files it uses: what to watch for changes."""
    privacy: Privacy = field(default_factory=Privacy)
    """What the flow says of itself for the people whose plates it reads."""

    def catches(self, name: str) -> bool:
        """Whether the node of that name receives faults of others."""
        return any(node.on_error == name for node in self.nodes.values())

    def outputs(self, name: str) -> tuple[str, ...]:
        """Names of the nodes that receive from the node of that name, in the order of the flow file."""
        return tuple(node.name for node in self.nodes.values() if name in node.inputs)

    def live(self, name: str) -> bool:
        """Whether no source that reaches that node can wait, so that what it gives may be dropped when late."""
        sources = [self.nodes[each].node for each in self._sources_of(name)]
        return all(source.is_live() and not source.can_wait() for source in sources)

    def live_source_reaches(self, name: str) -> bool:
        """Whether any live source reaches that node, so that wall time passes in it."""
        return any(self.nodes[each].node.is_live() for each in self._sources_of(name))

    def _sources_of(self, name: str) -> list[str]:
        above = {name}
        for node in reversed(list(self.nodes.values())):
            if node.name in above:
                above.update(node.inputs)
        return [each for each in above if self.nodes[each].is_source]
