"""A graph put together: its segments in their threads, joined by wires; and how a running one is changed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from time import monotonic

from flowalpr.engine.clock import RecordedClock, WallClock
from flowalpr.engine.ear import Ear, Listen
from flowalpr.engine.faults import Breaker, DeadLetters
from flowalpr.engine.look import Look, look
from flowalpr.engine.loop import Loop
from flowalpr.engine.plan import Plan, SegmentPlan, WirePlan, plan
from flowalpr.engine.segment import NotOpenedError, Segment
from flowalpr.engine.source import SourceWorker
from flowalpr.engine.step import Entry, Step
from flowalpr.engine.wire import Wire
from flowalpr.engine.worker import SegmentWorker, Worker
from flowalpr.flow.graph import Graph


class Assembly:
    """The threads of one flow. All methods but `look` and `workers` are for the one thread that owns the flow."""

    def __init__(
        self,
        graph: Graph,
        dead_letters: DeadLetters,
        loop: Loop,
        failed: Callable[[BaseException], None],
        halted: threading.Event,
        *,
        listen: Listen | None = None,
    ) -> None:
        """`failed` is told of an error that must end the flow; opening is given up when `halted` is set."""
        self._halted = halted
        self._listen = listen
        self._dead_letters = dead_letters
        self._loop = loop
        self._failed = failed
        self._graph = graph
        self._plan = plan(graph)
        self._workers: dict[str, Worker] = {each.name: self._worker(each, graph) for each in self._plan.segments}
        self._wires: dict[WirePlan, Wire[Entry]] = {}
        for change in self._wire(self._plan, self._graph, self._workers, kept=set()).values():
            change()

    def workers(self) -> tuple[Worker, ...]:
        """All threads, each after those that feed it."""
        return tuple(self._workers.values())

    def open(self) -> None:
        """Open all nodes, sinks first.

        Raises:
            NotOpenedError: if one cannot be opened; the others are closed again.
        """
        _open(list(self._workers.values()), self._halted)

    def go(self) -> None:
        """Let messages flow: receivers first, sources last."""
        for worker in reversed(self._workers.values()):
            worker.go()

    def replace(self, graph: Graph, drain_for: float) -> tuple[str, ...]:
        """Change to another graph; the names of the nodes in new segments.

        New nodes are opened first, so that a failure costs nothing. Then messages are led to the new segments, where
        they wait until the old ones have drained, so that the order of a camera's messages is kept.

        Raises:
            NotOpenedError: if a new node cannot be opened.
        """
        new_plan = plan(graph)
        kept = self._kept(new_plan, graph)
        new = {each.name: self._worker(each, graph) for each in new_plan.segments if each.name not in kept}
        _open(list(new.values()), self._halted)
        workers = {each.name: new.get(each.name) or self._workers[each.name] for each in new_plan.segments}
        gone = [worker for name, worker in self._workers.items() if name not in kept]
        before, senders = self._wires, self._plan.segment_of()
        changes = self._wire(new_plan, graph, workers, kept)
        try:
            paused = _paused([workers[name] for name in workers if name in kept], gone, drain_for)
        except NotOpenedError:
            for wire in set(self._wires.values()) - set(before.values()):
                wire.close()
            self._wires = before
            for worker in new.values():
                worker.abort()
            raise
        for change in changes.values():
            change()
        for planned, wire in before.items():
            if self._wires.get(planned) is not wire and senders[planned.source] in kept:
                wire.close()
        for worker in paused:
            worker.resume()
        self._workers, self._plan, self._graph = workers, new_plan, graph
        _retire(gone, drain_for)
        for step in (step for worker in new.values() for step in worker.segment.steps):
            step.since = datetime.now(timezone.utc)
        for worker in reversed(new.values()):
            worker.go()
        return tuple(step.name for worker in new.values() for step in worker.segment.steps)

    def look(self) -> Look:
        """What each node, wire and camera has done so far."""
        return look(self._workers.values(), tuple(self._wires.items()))

    def _worker(self, segment: SegmentPlan, graph: Graph) -> Worker:
        live = _is_live(graph, segment)
        # A recording has no time to wait for: a node that rests would lose all that comes meanwhile.
        steps = {name: self._step(name, graph, Breaker() if live else None) for name in segment.nodes}
        for name, step in steps.items():
            step.next = tuple(steps[each] for each in reversed(graph.outputs(name)) if each in steps)
        running = Segment(segment.name, list(steps.values()))
        if graph.nodes[segment.name].is_source:
            worker: Worker = SourceWorker(running, self._failed, self._loop.iterate)
        else:
            clock = WallClock() if live else RecordedClock()
            worker = SegmentWorker(running, self._failed, clock)
        for name in segment.nodes:
            graph.nodes[name].node.place(name, worker.stopping, graph.name)
        return worker

    def _step(self, name: str, graph: Graph, breaker: Breaker | None) -> Step:
        return Step(graph.nodes[name], self._dead_letters.add, self._loop.run, breaker)

    def _wire(
        self, new_plan: Plan, graph: Graph, workers: Mapping[str, Worker], kept: set[str]
    ) -> dict[str, Callable[[], None]]:
        """Make the wires that are not there yet; for each segment, the change that leads its messages along them."""
        sender = new_plan.segment_of()
        wires: dict[WirePlan, Wire[Entry]] = {}
        for planned in new_plan.wires:
            stays = planned in self._wires and sender[planned.source] in kept and planned.segment in kept
            wires[planned] = self._wires[planned] if stays else _attached(planned, workers[planned.segment])
        self._wires = wires

        def change_of(worker: Worker) -> Callable[[], None]:
            def change() -> None:
                for step in worker.segment.steps:
                    step.flow_node = graph.nodes[step.name]
                    inner = tuple(w for p, w in wires.items() if p.source == step.name and not p.faults)
                    step.wires = (*inner, *self._ears(step, graph))
                    step.caught_by = next((w for p, w in wires.items() if p.source == step.name and p.faults), None)

            return change

        return {name: change_of(worker) for name, worker in workers.items()}

    def _ears(self, step: Step, graph: Graph) -> tuple[Ear, ...]:
        hear = self._listen(step.flow_node, graph) if self._listen is not None else None
        return () if hear is None else (Ear(step.name, hear),)

    def _kept(self, new_plan: Plan, graph: Graph) -> set[str]:
        """Names of the segments that may go on as they are: same nodes, same settings, same calls among them.

        One that has ended, with its recording, stays so if all that feeds it has ended too; else it begins anew.
        """
        old = {each.name: each for each in self._plan.segments}
        home = new_plan.segment_of()
        kept: set[str] = set()
        for each in new_plan.segments:
            if not (
                each.name in old
                and each.nodes == old[each.name].nodes
                and _is_live(graph, each) == _is_live(self._graph, each)
                and all(_same(name, self._graph, graph, each.nodes) for name in each.nodes)
            ):
                continue
            feeders = {home[wire.source] for wire in new_plan.wires if wire.segment == each.name}
            over = all(name in kept and self._workers[name].ended for name in feeders)
            if over or not self._workers[each.name].ended:
                kept.add(each.name)
        return kept


def _paused(staying: list[Worker], gone: list[Worker], seconds: float) -> list[Worker]:
    """The threads that stay, held back between two messages; senders first, or a sender could wait for its receiver.

    Raises:
        NotOpenedError: if one does not come to the end of a message; those paused before go on.
    """
    paused: list[Worker] = []
    for worker in staying:
        if not worker.pause(seconds):
            for each in gone:  # It may wait for room on its way to a node that hangs and is to be replaced.
                if isinstance(each, SegmentWorker):
                    each.inbox.cut()
            if not worker.pause(1.0):
                worker.go_on()
                for each in paused:
                    each.resume()
                raise NotOpenedError(f"node '{worker.segment.name}' does not finish its message")
        paused.append(worker)
    return paused


def _open(workers: list[Worker], halted: threading.Event) -> None:
    opened: list[Worker] = []
    try:
        for worker in reversed(workers):
            opened.append(worker)
            worker.open(halted)
    except BaseException:
        for worker in opened:
            worker.abort()
        for worker in opened:
            worker.join(0.0 if halted.is_set() else 5.0)
        raise


def _retire(workers: list[Worker], seconds: float) -> None:
    """Let threads drain and end; those that do not in time are aborted."""
    until = monotonic() + seconds
    for worker in workers:
        worker.stop()
    for worker in workers:
        if not worker.join(until - monotonic()):
            worker.abort()


def _attached(planned: WirePlan, worker: Worker) -> Wire[Entry]:
    if not isinstance(worker, SegmentWorker):
        raise TypeError(f"{planned.segment} is a source and cannot receive")
    steps = {step.name: step for step in worker.segment.steps}
    entry = tuple(steps[name] for name in reversed(planned.entries))
    return worker.inbox.attach(entry, holds=planned.holds, drops=planned.drops)


def _is_live(graph: Graph, segment: SegmentPlan) -> bool:
    """Whether wall time passes in it: any source that reaches it is live. A catch node lives in wall time too."""
    return any(graph.live_source_reaches(name) or graph.catches(name) for name in segment.nodes)


def _same(name: str, old: Graph, new: Graph, segment: tuple[str, ...]) -> bool:
    before, after = old.nodes[name], new.nodes[name]
    inner = [tuple(each for each in graph.outputs(name) if each in segment) for graph in (old, new)]
    return before.same_as(after) and before.gives is after.gives and inner[0] == inner[1]
