"""What the door costs a running flow: one client that follows snapshots and reads, and clients that stop reading.

    python benchmarks/door.py [--seconds 10] [--rounds 3] [--lazy 40]

A flow of a camera at 30 frames a second, eight nodes behind it and five reads a second runs in this process, in turns
with nobody at its door and with a client in a process of its own. The cost is CPU time, which does not depend on what
else the machine does: a flow that has all of one core busy loses that share of its throughput.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import psutil

from flowalpr import Detection, Detections, Frame, Node, Passage, PlateRead, Stamp
from flowalpr.control.deploying import Check
from flowalpr.control.flow import RunningFlow
from flowalpr.control.heard import Heard
from flowalpr.control.logs import LogKeeper
from flowalpr.control.places import runtime_folder
from flowalpr.control.server import Door
from flowalpr.engine.runner import Runner
from flowalpr.errors import FlowError
from flowalpr.flow.graph import FlowNode, Graph
from flowalpr.messages import Box
from flowalpr.testing import passage, plate_frame

CLIENT = """
import asyncio, sys
from flowalpr.control.client import Client

async def follow():
    async with Client(sys.argv[1]) as client:
        async def snapshots():
            async for _ in client.snapshots(): pass
        async def reads():
            async for _ in client.read_stream(): pass
        await client.snapshot()
        print("here", flush=True)
        await asyncio.gather(snapshots(), reads())

asyncio.run(follow())
"""


class Camera(Node):
    """Thirty frames a second."""

    def is_live(self) -> bool:
        return True

    def process(self) -> Iterator[Frame]:
        picture, number = plate_frame(camera=self.name), 0
        while not self.wait(1 / 30):
            yield dataclasses.replace(picture, stamp=Stamp(self.name, datetime.now(timezone.utc), number))
            number += 1


class Cars(Node):
    """Passages, `rate` a second."""

    rate: float = 5.0

    def is_live(self) -> bool:
        return True

    def process(self) -> Iterator[Passage]:
        count = 0
        while not self.wait(1 / self.rate):
            count += 1
            yield passage(f"B{count:06}", camera=self.name)


class Find(Node):
    """One plate in each frame."""

    def process(self, frame: Frame) -> Detections:
        return Detections(frame, (Detection(frame, Box(190, 150, 450, 210), 0.9),))


class Pass(Node):
    """Hands on."""

    def process(self, found: Detections) -> Detections:
        return found


class Drop(Node):
    """Takes all."""

    def process(self, message: Detections | PlateRead) -> None: ...


def graph(rate: float) -> Graph:
    """The flow."""
    nodes = {"camera": FlowNode("camera", "bench.camera", Camera(), (), Frame)}
    nodes["find"] = FlowNode("find", "bench.find", Find(), ("camera",), Detections)
    for number in range(6):
        before = f"pass{number - 1}" if number else "find"
        nodes[f"pass{number}"] = FlowNode(f"pass{number}", "bench.pass", Pass(), (before,), Detections)
    nodes["cars"] = FlowNode("cars", "bench.cars", Cars(rate=rate), (), Passage)
    nodes["drop"] = FlowNode("drop", "bench.drop", Drop(), ("pass5", "cars"), None)
    return Graph("bench", nodes)


class Served:
    """The flow with its door, open for as long as the block lasts."""

    def __init__(self, folder: Path, rate: float = 5.0) -> None:
        heard = Heard()
        self.runner = Runner(graph(rate), folder / "dead-letters.jsonl", listen=heard.listen)
        check: Check = _no_other
        self.door = Door(RunningFlow(self.runner, heard, folder, logs=LogKeeper(), check=check))
        self.socket = runtime_folder() / "bench.sock"

    def __enter__(self) -> Served:
        self.runner.start()
        self.door.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.door.close()
        self.runner.stop()

    def client(self) -> subprocess.Popen[str]:
        """A client that follows, in a process of its own, once it has begun."""
        command = [sys.executable, "-c", CLIENT, str(self.socket)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        return process


def _no_other(*_: str) -> Graph:
    raise FlowError([])


def cost(served: Served, seconds: float, rounds: int) -> tuple[list[float], list[float]]:
    """CPU seconds of this process for each second, alone and with a client, in turns."""
    alone, followed = [], []
    served.client().kill()  # The door is ready from now on, as after the first minute of any flow.
    for _ in range(rounds):
        alone.append(_busy(seconds))
        client = served.client()
        followed.append(_busy(seconds))
        client.kill()
        client.wait()
        time.sleep(0.5)
    return alone, followed


def _busy(seconds: float) -> float:
    begun, wall = time.process_time(), time.monotonic()
    time.sleep(seconds)
    return (time.process_time() - begun) / (time.monotonic() - wall)


def memory(served: Served, lazy: int, seconds: float) -> tuple[float, float, int]:
    """MB of this process before and after so many clients have stopped reading, and how many are still connected."""
    served.client().kill()
    process = psutil.Process()
    before = process.memory_info().rss
    connections = []
    for number in range(lazy):
        connection = socket.socket(socket.AF_UNIX)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.connect(str(served.socket))
        path = "snapshot" if number % 2 else "reads"
        connection.sendall(f"GET /{path}/stream HTTP/1.1\r\nHost: flow\r\n\r\n".encode())
        connections.append(connection)
    time.sleep(seconds)
    after = process.memory_info().rss
    left = sum(1 for each in process.net_connections("unix") if each.laddr == str(served.socket)) - 1
    for connection in connections:
        connection.close()
    return before / 1e6, after / 1e6, left


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--lazy", type=int, default=40)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        os.environ["FLOWALPR_STATE"] = name
        with Served(Path(name)) as served:
            alone, followed = cost(served, chosen.seconds, chosen.rounds)
        one, other = statistics.median(alone), statistics.median(followed)
        print(f"alone     {one:7.2%} of a core   {' '.join(f'{each:.2%}' for each in alone)}")
        print(f"followed  {other:7.2%} of a core   {' '.join(f'{each:.2%}' for each in followed)}")
        print(f"a client costs {other - one:.2%} of a core")
        with Served(Path(name), rate=200.0) as served:
            before, after, left = memory(served, chosen.lazy, 2 * chosen.seconds)
        print(f"{chosen.lazy} that do not read, 200 reads a second: {before:.0f} -> {after:.0f} MB, {left} left")


if __name__ == "__main__":
    main()
