"""A flow that runs in this process with its door open."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flowalpr.control.client import Client
from flowalpr.control.deploying import Check
from flowalpr.control.flow import RunningFlow
from flowalpr.control.heard import Heard
from flowalpr.control.logs import LogKeeper
from flowalpr.control.places import runtime_folder
from flowalpr.control.server import Door
from flowalpr.engine.runner import Runner
from flowalpr.errors import FlowError, Problem
from flowalpr.flow.graph import Graph
from flowalpr.node import Node
from flowalpr.state import state_folder


class Served:
    """Starts at once; `close` ends the door, then the flow."""

    def __init__(self, graph: Graph, check: Check | None = None, **options: Any) -> None:
        folder = state_folder(graph.name)
        heard = Heard()
        self.runner = Runner(graph, folder / "dead-letters.jsonl", listen=heard.listen)
        self.runner.start()
        self.logs = LogKeeper()
        self.flow = RunningFlow(self.runner, heard, folder, logs=self.logs, check=check or _no_other)
        try:
            self.door = Door(self.flow, **options)
        except BaseException:
            self.runner.stop()
            raise
        self.door.open()

    @property
    def socket(self) -> Path:
        return runtime_folder() / f"{self.door.name}.sock"

    def client(self) -> Client:
        return Client(self.socket)

    def node(self, name: str) -> Any:
        node: Node = self.runner.graph.nodes[name].node
        return node

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Let the thread that owns the flow wait, as `flowalpr run` does, so that it can be changed."""
        over = threading.Event()

        def wait() -> None:
            while not over.is_set():
                self.runner.wait(0.05)

        waiting = threading.Thread(target=wait)
        waiting.start()
        try:
            yield
        finally:
            over.set()
            waiting.join()

    def close(self) -> None:
        self.door.close()
        self.runner.stop()


def _no_other(text: str, name: str) -> Graph:
    raise FlowError([Problem(f"{name} is no flow")])


def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait for something that other threads bring about."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)
