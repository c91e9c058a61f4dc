"""One node inside a running segment: its bound method, its counters, and where its messages and faults go."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime
from inspect import isawaitable, isgeneratorfunction
from typing import Any

from flowalpr.engine.faults import TROUBLES, Breaker, FlowStopped, Trouble, fault_of, report, trouble_of
from flowalpr.engine.wire import Wire
from flowalpr.flow.graph import FlowNode
from flowalpr.messages import END_OF_TIME, Fault, Message
from flowalpr.node import Node
from flowalpr.telemetry.meter import Meter

Entry = tuple["Step", ...]
"""Where a wire leads: the steps that receive, last first, as the segment's stack wants them."""
Await = Callable[[Awaitable[Any]], Any]  # Any: whatever the awaited gives
"""Runs an awaitable of a node written with `async def` to its end."""


class _NodeRests(Exception):  # noqa: N818  # No error: it keeps a message that was not dealt with from being counted.
    """The node was not called."""


class Step:
    """A node at work. Only the thread of its segment calls it."""

    __slots__ = (
        "_await",
        "_breaker",
        "_due_breaker",
        "_succeeded_before",
        "_uncaught",
        "caught_by",
        "flow_node",
        "gives",
        "meter",
        "next",
        "node",
        "process",
        "recent",
        "since",
        "wires",
    )

    def __init__(
        self, flow_node: FlowNode, uncaught: Callable[[Fault], None], await_: Await, breaker: Breaker | None = None
    ) -> None:
        """`uncaught` takes the faults that no node of the flow catches; without a breaker the node never rests."""
        self.flow_node = flow_node
        self.node: Node = flow_node.node
        self.gives: type[Message] | tuple[()] = flow_node.gives or ()
        self.meter = Meter()
        self.next: Entry = ()
        """The steps of this segment that receive, last first."""
        self.wires: tuple[Wire[Entry], ...] = ()
        """The wires to other segments."""
        self.recent: deque[Trouble] = deque(maxlen=TROUBLES)
        """The last faults."""
        self.caught_by: Wire[Entry] | None = None
        """The wire to the node that `on_error` names."""
        self.since: datetime | None = None
        """When it was put in by a redeploy; its counters begin then."""
        self._uncaught = uncaught
        self._await = await_
        self._breaker = breaker
        self._due_breaker = None if breaker is None else Breaker()
        self._succeeded_before = 0
        self.process: Callable[..., Any] = self._call  # Any: each node has its own signature

    @property
    def name(self) -> str:
        """The node's name in the flow."""
        return self.flow_node.name

    @property
    def _call(self) -> Callable[..., Any]:  # Any: each node has its own signature
        process: Callable[..., Any] = getattr(self.node, "process")  # noqa: B009  # Not declared in Node.
        if self.flow_node.is_source:
            return process
        if self.flow_node.ports.is_async:
            return self._awaited(process)
        # Run to its end here, where an error is the node's and its time is counted as the node's.
        return (lambda message: list(process(message))) if isgeneratorfunction(process) else process

    def _awaited(self, process: Callable[..., Any]) -> Callable[..., Any]:  # Any: as above
        return lambda message: self._await(process(message))

    def settled(self, result: Any) -> Any:  # Any: whatever `open`, `due` and `close` give
        """A result of `open`, `due` or `close`, awaited if it must be."""
        return self._await(result) if isawaitable(result) else result

    def due(self, now: datetime) -> Any:  # Any: messages
        """What the node gives as time passes; a `due` that keeps failing rests by itself, while `process` goes on.

        Raises:
            FlowStopped: if it failed and the node's `on_error` is `stop`.
        """
        resting = self._due_breaker is not None and self._due_breaker.resting()
        if resting and now < END_OF_TIME:
            return ()
        try:
            result = self.settled(self.node.due(now))
        except Exception as error:
            if self._due_breaker is not None:
                self._due_breaker.failed()
            self.fault(fault_of(self.name, error, None))
            return ()
        if self._due_breaker is not None:
            self._due_breaker.worked()
        return result

    def forgive(self) -> None:
        """Have it called again if it rests after errors."""
        if self._breaker is not None:
            self._breaker.worked()
        self.process = self._call

    def failed(self, error: Exception, message: Message | None) -> None:
        """Deal with an exception of the node.

        Raises:
            FlowStopped: if its `on_error` is `stop`.
        """
        if isinstance(error, _NodeRests):
            return
        fault = fault_of(self.name, error, message)
        self.fault(fault)
        if self._breaker is None:
            return
        if self.meter.taken != self._succeeded_before:
            self._breaker.worked()
        self._succeeded_before = self.meter.taken
        rest = self._breaker.failed()
        if rest:
            self.meter.state = f"resting {rest:.0f} s: {fault.error}"
            self.process = self._rest

    def fault(self, fault: Fault) -> None:
        """Count, report and pass on a fault.

        Raises:
            FlowStopped: if the node's `on_error` is `stop`.
        """
        self.meter.errors += 1
        self.meter.last_error = fault.error
        self.recent.append(trouble_of(fault))
        report(fault)
        self._hand_on(fault)
        if self.flow_node.on_error == "stop":
            raise FlowStopped(f"{self.name}: {fault.error}")

    def _rest(self, message: Message) -> Any:  # Any: what the node gives
        """Stands in for `process` after the breaker has tripped, and puts it back once the node works again."""
        if self._breaker is not None and self._breaker.resting():
            self.meter.dropped += 1
            fault = Fault(f"the node rests after errors: {self.meter.last_error}", message, node=self.name)
            report(fault, resting=True)
            self._hand_on(fault)
            raise _NodeRests
        result = self._call(message)
        if self._breaker is not None:
            self._breaker.worked()
        self.meter.state = "running"
        self.process = self._call
        return result

    def _hand_on(self, fault: Fault) -> None:
        if self.caught_by is not None:
            self.caught_by.put(fault)
        else:
            self._uncaught(fault)
