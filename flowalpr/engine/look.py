"""What is told of a running flow: the figures of each node, wire and camera, read while they are written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeGuard

from flowalpr.engine.plan import WirePlan
from flowalpr.engine.source import SourceWorker
from flowalpr.engine.step import Entry, Step
from flowalpr.engine.wire import Wire
from flowalpr.engine.worker import Worker
from flowalpr.messages import Frame, Message
from flowalpr.telemetry.meter import quantiles
from flowalpr.telemetry.snapshot import CameraSnapshot, NodeSnapshot, WireSnapshot

Wires = tuple[tuple[WirePlan, Wire[Entry]], ...]


class Look(NamedTuple):
    """All of a flow at one moment."""

    nodes: tuple[NodeSnapshot, ...] = ()
    wires: tuple[WireSnapshot, ...] = ()
    cameras: tuple[CameraSnapshot, ...] = ()


def look(workers: Iterable[Worker], wires: Wires) -> Look:
    """What each node, wire and camera has done so far."""
    all_workers = tuple(workers)
    return Look(
        tuple(_node(step, worker, wires) for worker in all_workers for step in worker.segment.steps),
        tuple(_wire(planned, wire) for planned, wire in wires),
        tuple(_camera(worker, wires) for worker in all_workers if _is_camera(worker)),
    )


def _node(step: Step, worker: Worker, wires: Wires) -> NodeSnapshot:
    meter = step.meter
    p50, p95, p99 = quantiles(meter.buckets, 0.50, 0.95, 0.99)
    inward = [wire for planned, wire in wires if step.name in planned.entries]
    return NodeSnapshot(
        name=step.name,
        uses=step.flow_node.uses,
        kind=step.flow_node.ports.kind,
        inputs=step.flow_node.inputs,
        since=step.since,
        state=_state(step, worker),
        taken=meter.taken,
        given=meter.given,
        dropped=meter.dropped + sum(wire.dropped for wire in inward),
        waiting=sum(wire.waiting() for wire in inward),
        errors=meter.errors,
        last_error=meter.last_error,
        tallies=step.node.tallies(),
        notes=step.node.notes(),
        busy_ms=meter.busy / 1e6,
        p50_ms=p50 * 1000,
        p95_ms=p95 * 1000,
        p99_ms=p99 * 1000,
    )


def _state(step: Step, worker: Worker) -> str:
    """The engine's word for it, and the node's own in place of a mere `running` or `live`."""
    word = step.meter.state
    if word != "running":
        return word
    own = step.node.state()
    if _is_camera(worker) and step.node.is_live() and step.node.is_steady():
        return worker.watch.state(own)
    retry = worker.watch.retry() if isinstance(worker, SourceWorker) else ""
    return retry or own or word


def _is_camera(worker: Worker) -> TypeGuard[SourceWorker]:
    return isinstance(worker, SourceWorker) and issubclass(worker.segment.steps[0].flow_node.gives or Message, Frame)


def _camera(worker: SourceWorker, wires: Wires) -> CameraSnapshot:
    (step,), watch = worker.segment.steps, worker.watch
    return CameraSnapshot(
        name=step.name,
        state=_state(step, worker),
        fps=watch.fps(),
        frames=watch.frames,
        dropped=sum(wire.dropped for planned, wire in wires if planned.source == step.name),
        reconnects=watch.reconnects,
        age_s=watch.age(),
        width=watch.width,
        height=watch.height,
        decoder=step.node.notes().get("decoder", ""),
    )


def _wire(planned: WirePlan, wire: Wire[Entry]) -> WireSnapshot:
    return WireSnapshot(
        source=planned.source,
        target=planned.segment,
        holds=wire.holds,
        waiting=wire.waiting(),
        peak=wire.peak,
        passed=wire.passed,
        dropped=wire.dropped,
        blocked=wire.blocked,
        age_ms=wire.age / 1e6,
        oldest_ms=wire.oldest / 1e6,
    )
