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
    """What the running flow says: of each camera, of nodes that are not well, of sinks that are behind; by node."""
    for camera in seen.cameras:
        words = f"{camera.fps:.1f} frames a second, {camera.reconnects} reconnects"
        yield camera.name, _state(camera.state) or Finding("ok", f"runs: {camera.state}, {words}")
    cameras = {each.name for each in seen.cameras}
    for node in seen.nodes:
        found = _state(node.state)
        if found and node.name not in cameras:
            yield node.name, found
    for sink in seen.sinks:
        if sink.backlog:
            yield sink.name, Finding("warning", f"runs: {sink.backlog} messages wait to be taken by the other side")


def _state(words: str) -> Finding | None:
    """What is amiss by a node's state; None if nothing."""
    begin = words.partition(":")[0].split(" ")[0]
    if begin in WELL:
        return None
    if begin == "paused":
        return Finding("warning", "runs: paused by somebody", "resume it in the monitor: flowalpr monitor")
    return Finding("wrong", f"runs: {words}")


async def _asked(path: object) -> FlowSnapshot | None:
    try:
        async with Client(str(path), within=WITHIN) as client:
            return await client.snapshot()
    except DoorError:
        return None
