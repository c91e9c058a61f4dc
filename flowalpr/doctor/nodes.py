"""The nodes of a flow: what each says of itself, whether its secrets are there, whether its camera gives pictures."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import Any

from flowalpr.errors import FlowalprError, Problem, SetupError, missing_module
from flowalpr.findings import Finding
from flowalpr.flow.graph import FlowNode, Graph
from flowalpr.messages import Fault, Frame
from flowalpr.node import Node
from flowalpr.service.needs import Needs
from flowalpr.service.unit import CREDENTIALS
from flowalpr.settings import Secret

WITHIN = 40.0
"""Seconds that all nodes together have; a camera that does not answer takes 15."""
MOST = 50
"""Findings of one node."""


def nodes(
    graph: Graph, *, without: Collection[str] = (), within: float = WITHIN
) -> Iterator[tuple[str, list[Finding]]]:
    """What is found of each node, by its name, all being asked at once; those that have nothing to say are left out."""
    asked = [(each, _Asked(each, graph.name)) for each in graph.nodes.values() if each.name not in without]
    until = monotonic() + within
    for each, answer in asked:
        found = answer.findings(until)
        if found:
            yield each.name, found


def secrets(needs: Needs) -> Iterator[Finding]:
    """Whether each secret can be had, and by nobody else."""
    for setting, secret in needs.secrets:
        kind, _, where = secret.reference.partition(":")
        if kind == "credential" and "CREDENTIALS_DIRECTORY" not in os.environ:
            yield _credential(setting, CREDENTIALS / where)
            continue
        try:
            secret.reveal()
        except SetupError as error:
            yield Finding("wrong", f"{setting}: {error.problem.what}", error.problem.fix)
            continue
        yield _open_to_others(setting, secret) or Finding("ok", f"{setting}: {secret.reference} is there")


class _Asked:
    """One node, asked in a thread of its own, since it may hang."""

    def __init__(self, node: FlowNode, flow: str) -> None:
        self._node = node
        self._stopping = threading.Event()
        node.node.place(node.name, self._stopping, flow)
        self._found: list[Finding] = []
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def findings(self, until: float) -> list[Finding]:
        """What was found by that time (of `monotonic`)."""
        self._thread.join(max(0.0, until - monotonic()))
        self._stopping.set()
        late = [Finding("wrong", "does not answer in time", "")] if self._thread.is_alive() else []
        return [*self._found, *late]

    def _ask(self) -> None:
        try:
            for finding in islice(self._examined(), MOST):
                self._found.append(finding)
        except Exception as error:  # Whatever a node raises; the others are examined all the same.
            self._found.append(_wrong(error))

    def _examined(self) -> Iterator[Finding]:
        node = self._node.node
        if type(node).examine is not Node.examine:
            yield from node.examine()
        elif self._node.is_source and self._node.gives is Frame and node.is_live() and node.is_steady():
            yield from first_picture(node)


def first_picture(node: Node) -> Iterator[Finding]:
    """Whether a camera gives a picture, and how large it is: it is opened as a flow would, and closed again."""
    if node.ports().is_async:
        return
    begun = monotonic()
    try:
        node.open()
        messages: Any = node.process()  # type: ignore[attr-defined]  # Each node declares its own.
        for message in messages if isinstance(messages, Iterable) else (messages,):
            if isinstance(message, Fault):
                yield Finding("wrong", message.error)
            elif isinstance(message, Frame):
                height, width = message.image.shape[:2]
                yield Finding("ok", f"gives pictures, {width} x {height}, the first after {monotonic() - begun:.1f} s")
            break
        if hasattr(messages, "close"):
            messages.close()
    finally:
        node.close()


def _wrong(error: Exception) -> Finding:
    """An error in words. Those of ours and of connections are written for people; others may hold anything."""
    known = missing_module(error) if isinstance(error, ModuleNotFoundError) else error
    if isinstance(known, SetupError):
        return Finding("wrong", known.problem.what, known.problem.fix)
    if isinstance(known, (FlowalprError, ConnectionError)):
        return Finding("wrong", Problem(str(known)).what)
    return Finding("wrong", f"cannot be examined: {type(error).__name__}")


def _credential(setting: str, path: Path) -> Finding:
    if not os.access(path.parent, os.X_OK):
        return Finding("ok", f"{setting}: systemd gives it to the service; root can look whether {path} is there")
    if path.exists():
        return Finding("ok", f"{setting}: systemd gives it to the service")
    return Finding("wrong", f"{setting}: {path} is missing", f"sudo install -D -m 600 FILE {path}")


def _open_to_others(setting: str, secret: Secret) -> Finding | None:
    kind, _, where = secret.reference.partition(":")
    path = Path(where).expanduser()
    if kind != "file" or not stat.S_IMODE(path.stat().st_mode) & 0o077:
        return None
    return Finding("warning", f"{setting}: others may read {path}", f"chmod 600 {path}")
