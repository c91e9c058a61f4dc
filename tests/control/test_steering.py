"""Steering a running flow through its door."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from support.flows import Fails, Find, Heavy, Keep, graph_of
from support.live import PLATE, LiveFrames, LiveReads
from support.served import Served, until

from flowalpr import Secret
from flowalpr.cli.logs import set_up
from flowalpr.control.client import DoorError
from flowalpr.control.logs import Line
from flowalpr.errors import FlowError, Place, Problem
from flowalpr.storage.audit import AuditLog


def test_a_node_is_paused_resumed_and_restarted_and_each_iswritten_down(served: Served, ask: Callable) -> None:
    async def steer() -> None:
        async with served.client() as client:
            assert await client.pause("gate") == ["gate"]
            until(lambda: served.flow.snapshot().paused)
            assert await client.resume("gate") == ["gate"]
            assert await client.restart("keep") == ["keep"]
            with pytest.raises(DoorError, match="no node of that name"):
                await client.pause("nothing")

    ask(steer())
    told = [(entry.action, entry.about["node"], entry.who.role) for entry in AuditLog().entries()]
    assert told == [("pause", "gate", "admin"), ("resume", "gate", "admin"), ("restart", "keep", "admin")]


def test_a_node_tells_its_settings_without_secrets_its_history_and_its_errors(
    serve: Callable[..., Served], ask: Callable
) -> None:
    camera = LiveFrames(password=Secret("env:GATE_PASSWORD"))
    reads = LiveReads()
    served = serve(
        ("gate", camera, ""), ("cars", reads, ""), ("bad", Fails(every=1), "cars"), ("keep", Keep(), "gate bad")
    )
    reads.send(2)
    until(lambda: served.runner.snapshot().node("bad").errors == 2)

    async def look() -> None:
        async with served.client() as client:
            about = await client.node("gate")
            values = {each["name"]: each["value"] for each in about["settings"]}
            assert values["password"] == "env:GATE_PASSWORD"
            assert (about["kind"], about["outputs"]) == ("source", ["keep"])
            (latest, earlier) = (await client.node("bad"))["errors"]
            assert latest["error"] == "ValueError: cannot bear KX•••••"
            assert "ValueError" in latest["trace"]
            assert latest["time"] >= earlier["time"]
            assert [each["node"] for each in await client.errors()] == ["bad", "bad"]
            assert [each["error"] for each in await client.dead_letters(limit=1)] == [latest["error"]]
            while not (await client.node("gate"))["history"]:
                pass
            (second, *_) = (await client.node("gate"))["history"]
            assert second["given"] >= 0

    ask(look())


def test_the_log_is_shown_and_followed(served: Served, ask: Callable) -> None:
    log = logging.getLogger("flowalpr.test")
    logging.getLogger().addHandler(served.logs)
    log.warning("the gate %s", "is open")

    async def look() -> None:
        async with served.client() as client:
            lines = [line async for line in client.logs()]
            assert (lines[-1]["event"], lines[-1]["level"]) == ("the gate is open", "warning")
            stream = client.logs(follow=True, limit=1)
            assert (await anext(stream))["event"] == "the gate is open"
            log.warning("it is closed")
            assert (await anext(stream))["event"] == "it is closed"
            await stream.aclose()

    ask(look())


def test_a_line_that_comes_while_the_last_ones_are_sent_is_told_once(
    served: Served, ask: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = logging.getLogger("flowalpr.test")
    logging.getLogger().addHandler(served.logs)
    kept = served.logs.lines

    def lines(limit: int) -> list[Line]:
        log.warning("before they are read")
        found = kept(limit)
        log.warning("after they are read")
        return found

    monkeypatch.setattr(served.logs, "lines", lines)

    async def look() -> None:
        async with served.client() as client:
            stream = client.logs(follow=True, limit=1)
            assert [(await anext(stream))["event"] for _ in range(2)] == ["before they are read", "after they are read"]
            await stream.aclose()

    ask(look())


def test_the_log_holds_no_plate_though_a_node_logs_whole_messages(serve: Callable[..., Served]) -> None:
    from flowalpr_builtin.sinks.debug import Debug

    served = serve(("cars", LiveReads(), ""), ("show", Debug(), "cars"))
    set_up(0, False, served.logs)
    served.node("cars").send()
    until(lambda: any(line["event"] == "message" for line in served.logs.lines(100)))
    assert PLATE not in str(served.logs.lines(100))
    assert "KX•••••" in str(served.logs.lines(100))


def test_a_camera_s_picture_comes_with_what_was_found_drawn(served: Served, ask: Callable) -> None:
    import cv2
    import numpy as np

    until(lambda: served.flow.heard.sights)

    async def look() -> bytes:
        async with served.client() as client:
            await client.picture("gate", width=320)
            return await client.picture("gate", width=320)

    image = cv2.imdecode(np.frombuffer(ask(look()), np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (180, 320, 3)
    blue, green, red = image[75, 100:220].astype(int).mean(axis=0)
    assert green > blue + 20
    assert green > red + 20


def test_a_camera_that_gives_no_picture_says_so(serve: Callable[..., Served], ask: Callable) -> None:
    served = serve(("gate", LiveFrames(every=30), ""), ("keep", Keep(), "gate"))

    async def look() -> None:
        async with served.client() as client:
            with pytest.raises(DoorError, match="'gate' gives no picture now"):
                await client.picture("gate")

    ask(look())


def test_another_flow_is_checked_and_takes_the_place_of_the_running_one(
    serve: Callable[..., Served], ask: Callable
) -> None:
    def graph(label: str) -> object:
        return graph_of(("gate", LiveFrames(), ""), ("plates", Find(), "gate"), ("last", Heavy(label=label), "plates"))

    def check(text: str, name: str) -> object:
        if text == "wrong":
            raise FlowError([Problem("this is wrong", "what is right", "write it", Place(name, 1, 1, 5, "wrong"))])
        return graph(text)

    served = serve(
        ("gate", LiveFrames(), ""), ("plates", Find(), "gate"), ("last", Heavy(label="old"), "plates"), check=check
    )

    async def change() -> None:
        async with served.client() as client:
            with pytest.raises(DoorError) as wrong:
                await client.deploy("wrong")
            assert wrong.value.status == 422
            assert "this is wrong" in str(wrong.value)
            assert "to fix    write it" in str(wrong.value)
            done = await client.deploy("new")
            assert done["changed"] == ["last"]
            assert not done["saved"]

    with served.waiting():
        ask(change())
    assert served.node("last").label == "new"
    assert [entry.action for entry in AuditLog().entries()] == ["deploy", "deploy"]


def test_a_deployed_flow_takes_the_place_of_its_file(tmp_path: Path) -> None:
    from flowalpr.control.deploying import written

    path = tmp_path / "gate.yaml"
    path.write_text("old")
    path.chmod(0o640)
    assert written(path, "new") == (True, "")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert [each.name for each in tmp_path.iterdir()] == ["gate.yaml"]
    saved, why = written(tmp_path / "gone" / "gate.yaml", "new")
    assert not saved
    assert "cannot be written: No such file or directory" in why
