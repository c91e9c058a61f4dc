"""Runs a flow: opens all, lets it run, drains, closes all; and replaces, while it runs, only what changed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic, sleep
from typing import TypeVar

import pluggy

from flowalpr.engine.assembly import Assembly
from flowalpr.engine.ear import Listen
from flowalpr.engine.faults import DeadLetters, Trouble
from flowalpr.engine.look import Look
from flowalpr.engine.loop import Loop
from flowalpr.engine.segment import NotOpenedError
from flowalpr.engine.source import SourceWorker
from flowalpr.engine.worker import SegmentWorker, Worker
from flowalpr.errors import FlowalprError, Problem, nearest
from flowalpr.flow.graph import Graph
from flowalpr.telemetry.snapshot import FlowSnapshot

DRAIN_FOR = 5.0
"""Seconds that messages on their way have to arrive after the sources have stopped."""


T = TypeVar("T")


class NoSuchNodeError(FlowalprError):
    """The flow has no such node, or none that is still at work."""

    exit_code = 2


class Runner:
    """One running flow. Made, started, stopped and redeployed from one thread; may be looked at from any."""

    def __init__(
        self,
        graph: Graph,
        dead_letters: Path,
        *,
        hook: pluggy.HookRelay | None = None,
        drain_for: float = DRAIN_FOR,
        listen: Listen | None = None,
    ) -> None:
        """`listen` says who hears what a node gives; it is asked for each node, and again after a redeploy."""
        self.graph = graph
        self.dead_letters = DeadLetters(dead_letters)
        self.error: BaseException | None = None
        """Why the flow failed, or None."""
        self.left_behind: tuple[str, ...] = ()
        """Nodes that did not stop in time and were abandoned."""
        self._hook = hook
        self._drain_for = drain_for
        self._listen = listen
        self._loop = Loop()
        self._halted = threading.Event()
        self._aborting = False
        self._errands: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._started_at = monotonic()
        self._running: Assembly | None = None

    def start(self) -> None:
        """Open every node, sinks first, and let the sources begin.

        Raises:
            NotOpenedError: if a node cannot be opened; all others are closed again.
        """
        self._started_at = monotonic()
        self._running = Assembly(
            self.graph, self.dead_letters, self._loop, self._failed, self._halted, listen=self._listen
        )
        try:
            self._running.open()
        except BaseException:
            self._close()
            raise
        try:
            if self._hook is not None:
                nodes = {name: each.node for name, each in self.graph.nodes.items()}
                self._hook.flowalpr_flow_started(name=self.graph.name, nodes=nodes)
        except BaseException:
            self.stop()
            raise
        self._running.go()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the flow has ended by itself, failed, or been asked to stop; False if it still runs."""
        until = None if seconds is None else monotonic() + seconds
        while not self._halted.is_set() and any(worker.running for worker in self._workers()):
            with suppress(Empty):
                self._errands.get_nowait()()
            self.dead_letters.sweep()
            left = 0.1 if until is None else min(0.1, until - monotonic())
            if left <= 0:
                return False
            sleep(left)  # Not `self._halted.wait`: a signal handler that sets it could then wait for its own lock.
        return True

    def halt(self) -> None:
        """Make `wait` return; safe to call from a signal handler. A second call forgoes the draining."""
        self._aborting = self._halted.is_set()
        self._halted.set()

    @property
    def halted(self) -> bool:
        """Whether it was asked to stop, or failed."""
        return self._halted.is_set()

    def stop(self) -> None:
        """Stop the sources, drain for a few seconds, close every node, and tell the plugins."""
        if self._running is None:
            return
        for worker in self._workers():
            worker.reins.drop()  # What waits before a node that is paused must arrive.
            if isinstance(worker, SourceWorker):
                worker.stop()
        self._join(monotonic() + self._drain_for)
        if any(worker.running for worker in self._workers()):
            for worker in self._workers():
                worker.abort()
            self._aborting = False
            self._join(monotonic() + 1.0)
        self.left_behind = tuple(worker.segment.name for worker in self._workers() if worker.running)
        self._close()
        if self._hook is not None:
            self._hook.flowalpr_flow_stopped(name=self.graph.name, error=self.error)

    def deploy(self, graph: Graph) -> tuple[str, ...]:
        """Replace the running graph by a changed one; the names of the nodes that were replaced or added.

        Segments that did not change go on, and their messages wait while others are replaced.

        Raises:
            NotOpenedError: if a new node cannot be opened, or one is paused; the flow then goes on as it was.
        """
        if self._running is None:
            raise RuntimeError("deploy needs a flow that has been started")
        for worker in self._workers():
            if worker.reins.held and isinstance(worker, SegmentWorker):
                raise NotOpenedError(f"node '{worker.segment.name}' is paused: resume it first")
        changed = self._running.replace(graph, self._drain_for)
        self.graph = graph
        return changed

    def pause(self, node: str) -> tuple[str, ...]:
        """Hold a node back, with all of its thread, until `resume`; the names of those nodes. From any thread.

        What comes meanwhile waits on the wires, or is dropped where it comes from a live source.

        Raises:
            NoSuchNodeError: the flow has no such node, or it has ended.
        """
        worker = self._at_work(node)
        worker.hold()
        return tuple(step.name for step in worker.segment.steps)

    def resume(self, node: str) -> tuple[str, ...]:
        """Let a node go on that was paused, with all of its thread. From any thread.

        Raises:
            NoSuchNodeError: the flow has no such node, or it has ended.
        """
        worker = self._at_work(node)
        worker.reins.release()
        return tuple(step.name for step in worker.segment.steps)

    def restart(self, node: str) -> Future[None]:
        """Close a node and open it again, in its own thread between two messages; what comes of it. From any thread.

        Raises:
            NoSuchNodeError: the flow has no such node, or it has ended.
        """
        worker = self._at_work(node)
        return worker.restart(next(step for step in worker.segment.steps if step.name == node))

    def troubles(self, node: str | None = None) -> list[Trouble]:
        """The last faults of a node, or of all, the latest first. From any thread."""
        steps = [step for worker in self._workers() for step in worker.segment.steps if node in (None, step.name)]
        return sorted((each for step in steps for each in tuple(step.recent)), key=lambda each: each.time, reverse=True)

    def latencies(self) -> dict[str, list[int]]:
        """How many calls of each node took how long, by `telemetry.meter.bucket`. From any thread."""
        return {step.name: step.meter.buckets.copy() for worker in self._workers() for step in worker.segment.steps}

    def ask(self, errand: Callable[[], T]) -> Future[T]:
        """Have something done in the thread that owns the flow, while that waits; what comes of it. From any thread."""
        done: Future[T] = Future()

        def run() -> None:
            if not done.set_running_or_notify_cancel():
                return
            try:
                done.set_result(errand())
            except Exception as error:  # Told to whoever asked.
                done.set_exception(error)

        self._errands.put(run)
        return done

    def failed_sources(self) -> tuple[str, ...]:
        """Recordings that could not be read to their end."""
        return tuple(
            worker.segment.name for worker in self._workers() if isinstance(worker, SourceWorker) and worker.gave_up
        )

    def hanging(self, seconds: float) -> tuple[str, ...]:
        """Nodes of whose threads one has not come back from a message for longer; may be asked from any thread.

        None while any is paused, for those before it then wait for room with good reason.
        """
        workers = self._workers()
        if any(worker.held_back for worker in workers):
            return ()
        return tuple(worker.segment.name for worker in workers if worker.running and worker.busy_for() > seconds)

    def snapshot(self) -> FlowSnapshot:
        """What each node, wire and camera has done so far."""
        seen = Look() if self._running is None else self._running.look()
        return FlowSnapshot(
            flow=self.graph.name,
            time=datetime.now(timezone.utc),
            seconds=monotonic() - self._started_at,
            nodes=seen.nodes,
            wires=seen.wires,
            cameras=seen.cameras,
        )

    def _at_work(self, node: str) -> Worker:
        for worker in self._workers():
            if any(step.name == node for step in worker.segment.steps):
                if worker.ended:
                    raise NoSuchNodeError(f"node '{node}' has ended")
                return worker
        raise NoSuchNodeError(str(Problem(f"there is no node '{node}'", fix=nearest(node, self.graph.nodes))))

    def _workers(self) -> tuple[Worker, ...]:
        return () if self._running is None else self._running.workers()

    def _join(self, until: float) -> None:
        for worker in self._workers():
            while worker.running and monotonic() < until and not self._aborting:
                worker.join(min(0.1, until - monotonic()))

    def _close(self) -> None:
        self._loop.close()

    def _failed(self, error: BaseException) -> None:
        self.error = self.error or error
        self._halted.set()
