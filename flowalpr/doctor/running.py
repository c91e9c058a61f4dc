"""A flow that runs already: asked at its door, since its cameras may have no second place for us."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from flowalpr.control.client import Client, DoorError
from flowalpr.control.places import sockets
from flowalpr.findings import Finding
from flowalpr.telemetry.snapshot import FlowSnapshot

WITHIN = 10.0
WELL = ("live", "running", "ended", "idle")


def running(flow: str) -> FlowSnapshot | None:
    """The flow as it runs on this machine; None if it does not, or is another user's."""
    for name, path in sockets():
        if name == flow:
            return asyncio.run(_asked(path))
    return None


def as_it_runs(seen: FlowSnapshot) -> Iterator[tuple[str, Finding]]:
    """What the running flow says: of each camera, of what runs networks, and of nodes that are not well; by node."""
    for camera in seen.cameras:
        words = (
            f"runs: {camera.state.partition(':')[0]}, {camera.fps:.1f} frames a second, {camera.reconnects} reconnects"
        )
        trouble = camera.state.partition(":")[0].split(" ")[0] not in WELL
        yield camera.name, Finding("wrong", f"runs: {camera.state}") if trouble else Finding("ok", words)
    cameras = {each.name for each in seen.cameras}
    for node in seen.nodes:
        if node.name not in cameras and node.state.partition(":")[0].split(" ")[0] not in WELL:
            yield node.name, Finding("wrong", f"runs: {node.state}", f"flowalpr logs {seen.flow}")
    for sink in seen.sinks:
        if sink.backlog:
            yield sink.name, Finding("warning", f"runs: {sink.backlog} messages wait to be taken by the other side")


async def _asked(path: object) -> FlowSnapshot | None:
    try:
        async with Client(str(path), within=WITHIN) as client:
            return await client.snapshot()
    except DoorError:
        return None
