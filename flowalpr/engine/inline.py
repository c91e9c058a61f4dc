"""A flow called like a function: one frame in, the reads of that frame out, in the caller's thread.

For reading pictures one by one, where each result must be told apart. Sources and sinks of the flow are left out.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from flowalpr.engine.segment import Segment
from flowalpr.engine.step import Entry, Step
from flowalpr.engine.wire import Wire
from flowalpr.errors import FlowError, Problem
from flowalpr.flow.graph import FlowNode, Graph
from flowalpr.messages import Fault, Frame, Message, PlateRead

if TYPE_CHECKING:
    from flowalpr.engine.loop import Loop


class Inline:
    """The nodes between the first source of a flow and its sinks. Open it, call `read`, and close it."""

    def __init__(self, graph: Graph) -> None:
        """Take the working nodes of a flow.

        Raises:
            FlowError: if the flow has no source of frames.
        """
        self._faults: list[Fault] = []
        self._loop: Loop | None = None
        self._out = _Collected()
        source = _first_source(graph)
        steps = {
            name: self._step(each) for name, each in graph.nodes.items() if each.ports.kind not in ("source", "sink")
        }
        for name, step in steps.items():
            receivers = graph.outputs(name)
            step.next = tuple(steps[each] for each in reversed(receivers) if each in steps)
            if not step.next or len(step.next) < len(receivers):
                step.wires = (self._out,)
        self._entry: Entry = tuple(steps[each] for each in reversed(graph.outputs(source)) if each in steps)
        self._segment = Segment(graph.name, list(steps.values()))

    def open(self) -> None:
        """Open all nodes.

        Raises:
            NotOpenedError: if one cannot be opened.
        """
        self._segment.open()

    def read(self, frame: Frame) -> tuple[list[PlateRead], list[Fault]]:
        """The reads of a frame, and what went wrong on the way."""
        frame.image.setflags(write=False)
        self._segment.handle(self._entry, frame)
        return self._results()

    def finish(self) -> tuple[list[PlateRead], list[Fault]]:
        """The reads that nodes held back to the end."""
        self._segment.finish()
        return self._results()

    def close(self) -> None:
        """Close all nodes."""
        self._segment.close()
        if self._loop is not None:
            self._loop.close()

    def _step(self, node: FlowNode) -> Step:
        return Step(node, self._faults.append, self._run)

    def _run(self, awaitable: Awaitable[Any]) -> Any:  # Any: what the awaitable gives
        if self._loop is None:
            # Here, since few nodes are `async`, and asyncio takes long to import.
            from flowalpr.engine.loop import Loop

            self._loop = Loop()
        return self._loop.run(awaitable)

    def _results(self) -> tuple[list[PlateRead], list[Fault]]:
        reads = {message.id: message for message in self._out.messages if isinstance(message, PlateRead)}
        faults = list(self._faults)
        self._out.messages.clear()
        self._faults.clear()
        return list(reads.values()), faults


class _Collected(Wire[Entry]):
    """Stands where a sink would be, and keeps what arrives."""

    def __init__(self) -> None:
        super().__init__(_nobody_waits, ())
        self.messages: list[Message] = []

    def put(self, message: Message) -> None:
        self.messages.append(message)


def _nobody_waits(wire: Wire[Entry]) -> None:  # What a wire calls to wake its receiver.
    """Do nothing: the caller looks for itself."""


def _first_source(graph: Graph) -> str:
    for node in graph.nodes.values():
        if node.is_source and node.gives is not None and issubclass(node.gives, Frame):
            return node.name
    raise FlowError([Problem(f"flow '{graph.name}' has no source of frames", fix="name a flow that reads pictures")])
