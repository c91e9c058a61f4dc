"""Nodes of one thread, run by direct calls: the hot loop.

A loop over an explicit stack: no recursion, no hook, no queue, no lock between two nodes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from time import perf_counter_ns
from typing import Any

from flowalpr.engine.faults import FlowStopped, log
from flowalpr.engine.step import Entry, Step
from flowalpr.errors import FlowalprError, Problem, SetupError, missing_module
from flowalpr.messages import END_OF_TIME, Fault, Message
from flowalpr.node import Node
from flowalpr.telemetry.meter import bucket


class NotOpenedError(FlowalprError):
    """A node could not be opened."""


class StoppedError(NotOpenedError):
    """The flow was asked to stop before a node was open; whoever asked got what they wanted."""

    exit_code = 0


def _not_opened(node: str, error: BaseException) -> NotOpenedError:
    known = missing_module(error) if isinstance(error, ModuleNotFoundError) else error
    problem = known.problem if isinstance(known, SetupError) else Problem(f"{type(error).__name__}: {error}")
    return NotOpenedError(str(dataclasses.replace(problem, what=f"node '{node}' cannot start: {problem.what}")))


class Segment:
    """Some steps, each after those that feed it. Knows nothing of threads; whoever runs it calls from one."""

    def __init__(self, name: str, steps: Sequence[Step]) -> None:
        self.name = name
        self.steps = tuple(steps)

    def open(self) -> None:
        """Open the nodes, the last first, so that nobody sends before the receiver can take.

        Raises:
            NotOpenedError: if a node could not be opened; those opened before are closed again.
        """
        opened: list[Step] = []
        try:
            for step in reversed(self.steps):
                step.meter.state = "opening"
                log.info("opening", extra={"node": step.name, "uses": step.flow_node.uses})
                opened.append(step)
                step.settled(step.node.open())
                step.meter.state = "running"
        except BaseException as error:
            self._close(reversed(opened))
            raise _not_opened(step.name, error) from error

    def handle(self, entry: Entry, message: Message) -> None:
        """Give a message to the steps of `entry`, and what they make of it to those behind them, to the end.

        Raises:
            FlowStopped: if a node failed whose `on_error` is `stop`.
        """
        stack: list[tuple[Step, Message]] = [(step, message) for step in entry]
        started = perf_counter_ns()
        while stack:
            step, message = stack.pop()
            try:
                result = step.process(message)
            except Exception as error:
                step.failed(error, message)
                started = perf_counter_ns()
                continue
            ended = perf_counter_ns()
            spent = ended - started
            started = ended
            meter = step.meter
            meter.taken += 1
            meter.busy += spent
            meter.buckets[bucket(spent)] += 1
            if result is None:
                continue
            if isinstance(result, step.gives):
                meter.given += 1
                for receiver in step.next:
                    stack.append((receiver, result))
                if step.wires:
                    for wire in step.wires:
                        wire.put(result)
                    started = perf_counter_ns()  # A wire may have made us wait; that is not the next node's time.
            else:
                self._give(step, result, message, stack)
                started = perf_counter_ns()

    def due(self, now: datetime) -> None:
        """Let each node give what is due at that time."""
        for step in self.steps:
            if type(step.node).due is not Node.due:
                self._due(step, now)

    def keeps_time(self) -> bool:
        """Whether any node has something to do when time passes."""
        return any(type(step.node).due is not Node.due for step in self.steps)

    def restart(self, step: Step) -> None:
        """Close one node and open it again; what it rested from is forgiven.

        Raises:
            NotOpenedError: if it cannot be opened; its messages then fail until another restart.
        """
        log.info("restarting", extra={"node": step.name})
        step.meter.state = "opening"
        try:
            step.settled(step.node.close())
            step.settled(step.node.open())
        except Exception as error:
            step.failed(error, None)
            step.meter.state = f"not open: {step.meter.last_error}"
            raise _not_opened(step.name, error) from error
        step.meter.state = "running"
        step.forgive()

    def close(self) -> None:
        """Close every node, the first first; an error in one is reported and keeps no other from closing."""
        self._close(self.steps)

    def finish(self) -> None:
        """Let each node give the last it holds."""
        self.due(END_OF_TIME)

    def _due(self, step: Step, now: datetime) -> None:
        stack: list[tuple[Step, Message]] = []
        self._give(step, step.due(now), None, stack)
        for receiver, message in reversed(stack):
            self.handle((receiver,), message)

    def _give(self, step: Step, result: Any, cause: Message | None, stack: list[tuple[Step, Message]]) -> None:
        """Pass on a result that is not one message of the promised class: several, faults, or a mistake."""
        messages: list[Message] = []
        try:
            for message in _several(result):
                if isinstance(message, Fault) and not isinstance(message, step.gives):
                    step.fault(Fault(message.error, message.message or cause, step.name, message.source, message.trace))
                elif isinstance(message, step.gives):
                    messages.append(message)
                else:
                    promised = step.gives.__name__ if isinstance(step.gives, type) else "nothing"
                    raise TypeError(f"process gave {type(message).__name__}, but its type hint promises {promised}")
        except Exception as error:
            step.failed(error, cause)
        step.meter.given += len(messages)
        for message in messages:
            for wire in step.wires:
                wire.put(message)
        for message in reversed(messages):
            for receiver in step.next:
                stack.append((receiver, message))

    def _close(self, steps: Iterable[Step]) -> None:
        for step in steps:
            try:
                step.settled(step.node.close())
            except Exception as error:
                with suppress(FlowStopped):  # It stops already, and the others must close too.
                    step.failed(error, None)
            step.meter.state = "ended"


def _several(result: Any) -> Iterable[Any]:  # Any: whatever a node gave
    if isinstance(result, Message):
        return (result,)
    return result if isinstance(result, Iterable) else (() if result is None else (result,))
