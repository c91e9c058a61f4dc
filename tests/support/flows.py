"""Small honest nodes, and flows built of them without a flow file."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar, TypeVar

from pydantic import PrivateAttr

from flowalpr import Detection, Detections, Fault, Frame, Message, Node, PlateRead
from flowalpr.flow.graph import FlowNode, Graph
from flowalpr.messages import Box
from flowalpr.testing import plate_frame, plate_read

M = TypeVar("M", bound=Message)


class Frames(Node):
    """A source of `count` frames, a tenth of a second apart."""

    count: int = 10
    live: bool = False
    break_at: int = -1
    _opened: int = 0

    def open(self) -> None:
        self._opened += 1

    def is_live(self) -> bool:
        return self.live

    def process(self) -> Iterator[Frame | Fault]:
        for number in range(self.count):
            if number == self.break_at:
                raise ConnectionError("the camera hung up")
            yield plate_frame(camera=self.name, number=number, at=number / 10)


class Reads(Node):
    """A source of `count` reads."""

    count: int = 10

    def process(self) -> Iterator[PlateRead]:
        for number in range(self.count):
            yield plate_read(f"R{number:04}", camera=self.name, number=number, at=number / 10)


class Find(Node):
    """Finds one plate in each frame."""

    def process(self, frame: Frame) -> Detections:
        return Detections(frame, (Detection(frame, Box(190, 150, 450, 210), 0.9),))


class HeavyFind(Find):
    """The same in a thread of its own."""

    heavy: ClassVar[bool] = True

    def process(self, frame: Frame) -> Detections:
        return Detections(frame, (Detection(frame, Box(190, 150, 450, 210), 0.9),))


class Read(Node):
    """Reads each plate as its frame number."""

    def process(self, detections: Detections) -> list[PlateRead]:
        return [PlateRead(f"P{detections.stamp.number:05}", 0.9, each) for each in detections.found]


class Pass(Node):
    """Passes everything on."""

    label: str = ""

    def process(self, message: M) -> M:
        return message


class Heavy(Node):
    """Passes everything on in a thread of its own."""

    heavy: ClassVar[bool] = True
    label: str = ""

    def process(self, message: M) -> M:
        return message


class Awaiting(Node):
    """Passes reads on, from the event loop."""

    async def process(self, read: PlateRead) -> PlateRead:
        return read


class Keep(Node):
    """A sink that remembers."""

    _kept: list[Message]

    def open(self) -> None:
        self._kept = []

    def process(self, message: Message) -> None:
        self._kept.append(message)

    def kept(self) -> list[Message]:
        return self._kept


class Gate(Keep):
    """A sink that takes nothing until it is told to."""

    heavy: ClassVar[bool] = True
    _raised: threading.Event = PrivateAttr(default_factory=threading.Event)

    def process(self, message: Message) -> None:
        self._raised.wait(20)
        self._kept.append(message)

    def lift(self) -> None:
        self._raised.set()


class Hold(Node):
    """Holds every read until it is due, `seconds` later."""

    seconds: float = 0.35
    _held: list[PlateRead]

    def open(self) -> None:
        self._held = []

    def process(self, read: PlateRead) -> PlateRead | None:
        self._held.append(read)
        return None

    def due(self, now: datetime) -> list[PlateRead]:
        ripe = [read for read in self._held if (now - read.stamp.time).total_seconds() >= self.seconds]
        self._held = [read for read in self._held if read not in ripe]
        return ripe


class Fails(Node):
    """Fails on every `every`-th message."""

    every: int = 3
    _seen: int = 0

    def process(self, read: PlateRead) -> PlateRead:
        self._seen += 1
        if self._seen % self.every == 0:
            raise ValueError(f"cannot bear {read.text}")
        return read


class Catch(Keep):
    """Takes faults."""

    def process(self, fault: Fault) -> None:
        self._kept.append(fault)


Spec = tuple[str, Node, str] | tuple[str, Node, str, str]
"""Name, node, names of its inputs separated by blanks, on_error."""


def graph_of(*specs: Spec) -> Graph:
    """A graph of nodes given in an order in which each comes after those that feed it."""
    nodes: dict[str, FlowNode] = {}
    for name, node, inputs, *rest in specs:
        feeders = tuple(inputs.split())
        taken = nodes[feeders[0]].gives if feeders else None
        gives = node.ports().given(taken) if taken else node.ports().gives
        nodes[name] = FlowNode(name, f"test.{name}", node, feeders, gives, rest[0] if rest else "skip")
    return Graph("test", nodes)
