"""Looking at a running flow through its door."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable

import pytest
from support.live import PLATE
from support.served import Served, until

from flowalpr.control.client import AwayError, DoorError, flows


def test_a_snapshot_tells_of_nodes_cameras_sinks_and_the_machine(served: Served, ask: Callable) -> None:
    until(lambda: served.flow.heard.sights)

    async def look() -> None:
        async with served.client() as client:
            seen = await client.snapshot()
            assert seen.flow == "test"
            assert {node.name for node in seen.nodes} == {"gate", "plates", "cars", "keep"}
            (camera,) = seen.cameras
            assert (camera.name, camera.state, camera.width, camera.height) == ("gate", "live", 640, 360)
            assert [sink.name for sink in seen.sinks] == ["keep"]
            assert seen.box is not None
            assert seen.box.memory_total > seen.box.flow_memory > 0
            assert not seen.paused

    ask(look())


def test_snapshots_come_one_after_another(served: Served, ask: Callable) -> None:
    async def look() -> list[int]:
        taken = []
        async with served.client() as client:
            async for seen in client.snapshots():
                taken.append(seen.node("gate").taken)
                if len(taken) == 3:
                    return taken
        return taken

    taken = ask(look())
    assert taken == sorted(taken)
    assert taken[0] < taken[2]


def test_reads_come_as_they_are_made_and_are_remembered(served: Served, ask: Callable) -> None:
    async def look() -> None:
        async with served.client() as client:
            stream = client.read_stream()
            coming = asyncio.ensure_future(anext(stream))
            while not coming.done():
                served.node("cars").send()
                await asyncio.sleep(0.02)
            read = await coming
            await stream.aclose()
            assert (read["text"], read["node"], read["reason"], read["type"]) == (PLATE, "cars", "read", "Passage")
            assert read["id"] in [each["id"] for each in await client.reads()]
            assert (await client.crop(read["id"])).startswith(b"\xff\xd8")
            with pytest.raises(DoorError, match="no picture of such a read"):
                await client.crop("none")

    ask(look())


def test_a_flow_is_found_by_its_socket_which_only_its_user_can_open(served: Served, ask: Callable) -> None:
    (found,) = ask(flows())
    assert (found.name, found.process) == ("test", os.getpid())
    assert stat.S_IMODE(found.socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(found.socket.parent.stat().st_mode) == 0o700


def test_a_second_flow_of_that_name_is_told_apart(serve: Callable[..., Served], ask: Callable) -> None:
    from support.live import LiveFrames

    specs = ("gate", LiveFrames(), "")
    first, second = serve(specs), serve(("gate", LiveFrames(), ""))
    assert (first.door.name, second.door.name) == ("test", "test@2")
    assert [each.name for each in ask(flows())] == ["test", "test@2"]


def test_a_flow_that_has_ended_is_away_and_leaves_no_socket(served: Served, ask: Callable) -> None:
    async def look() -> None:
        async with served.client() as client:
            stream = client.snapshots()
            await anext(stream)
            closing = asyncio.get_running_loop().run_in_executor(None, served.door.close)
            with pytest.raises(AwayError):
                async for _ in stream:
                    pass
            await closing
            assert not await client.health()

    ask(look())
    assert not served.socket.exists()
    assert ask(flows()) == []
