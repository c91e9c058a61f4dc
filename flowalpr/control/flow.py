"""A running flow as those at the door see and steer it."""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from flowalpr.alerts import FILE as ALERTS
from flowalpr.alerts import open_alerts
from flowalpr.control.deploying import Check, Deploying
from flowalpr.control.heard import Heard, Record
from flowalpr.control.logs import LogKeeper
from flowalpr.control.settings import settings
from flowalpr.control.shelf import Shelf
from flowalpr.errors import SetupError
from flowalpr.messages import Passage
from flowalpr.telemetry.snapshot import BoxSnapshot, FlowSnapshot, SinkSnapshot

if TYPE_CHECKING:
    from flowalpr.control.box import Box
    from flowalpr.engine.faults import Trouble
    from flowalpr.engine.runner import Runner

TAIL = 1_000_000
"""Bytes at the end of the dead letters that are looked at."""
HISTORY = 300
"""Seconds of history that are kept of each node."""
REASONS = ("read", "too small", "blurred", "low confidence", "format", "left the zone", "overload")
"""How a passage can end (`Passage.reason`)."""


class Second(NamedTuple):
    """What a node did within one second."""

    time: float
    """Seconds since 1970, at its end."""
    taken: int
    given: int
    dropped: int
    errors: int
    busy_ms: float


class RunningFlow:
    """One flow of this process. All methods may be called from the door's thread."""

    def __init__(self, runner: Runner, heard: Heard, folder: Path, *, logs: LogKeeper, check: Check) -> None:
        """`folder` is where the flow keeps its state; `check` makes a graph of the text of another flow file."""
        self.runner = runner
        self.heard = heard
        self.folder = folder
        self.logs = logs
        self.changes = Deploying(runner, check)
        self.shelf = Shelf(lambda: runner.graph, heard, folder)
        self.since = datetime.now(timezone.utc)
        self.process = os.getpid()
        self._box: Box | None = None
        self._history: dict[str, deque[Second]] = {}
        self._before: FlowSnapshot | None = None
        self._alerts = (0, 0)
        """What told the file of alerts from others when they were counted, and how many were open."""

    @property
    def name(self) -> str:
        """The flow's name, as its file says it."""
        return self.runner.graph.name

    def snapshot(self) -> FlowSnapshot:
        """The picture of the flow at this moment, with cameras, sinks, reasons and the machine."""
        seen = self.runner.snapshot()
        return seen.model_copy(
            update={
                "sinks": self._sinks(seen),
                "reasons": self._reasons(),
                "box": self._look_at_box(),
                "alerts_open": self._count_alerts(),
                "paused": any(node.state == "paused" for node in seen.nodes),
            }
        )

    def keep_history(self) -> None:
        """Note what each node did since the last call; to be called every second."""
        seen, before = self.runner.snapshot(), self._before
        earlier = {node.name: node for node in before.nodes} if before else {}
        for node in seen.nodes:
            old = earlier.get(node.name)
            if old is None or node.taken < old.taken:  # New, or begun anew by a redeploy.
                continue
            second = Second(
                seen.time.timestamp(),
                node.taken - old.taken,
                node.given - old.given,
                node.dropped - old.dropped,
                node.errors - old.errors,
                round(node.busy_ms - old.busy_ms, 2),
            )
            self._history.setdefault(node.name, deque(maxlen=HISTORY)).append(second)
        for name in self._history.keys() - {node.name for node in seen.nodes}:
            del self._history[name]
        self._before = seen

    def history(self, node: str) -> list[Second]:
        """What that node did, second by second, for five minutes at most."""
        return list(self._history.get(node, ()))

    def about(self, name: str) -> Record:
        """A node: what it is, its settings with secrets masked, its history, its last errors.

        Raises:
            KeyError: the flow has none of that name.
        """
        flow_node = self.runner.graph.nodes[name]
        seen = next((each for each in self.runner.snapshot().nodes if each.name == name), None)
        return {
            "name": name,
            "uses": flow_node.uses,
            "kind": flow_node.ports.kind,
            "inputs": list(flow_node.inputs),
            "outputs": list(self.runner.graph.outputs(name)),
            "on_error": flow_node.on_error,
            "state": seen.state if seen else "ended",
            "notes": flow_node.node.notes(),
            "settings": settings(flow_node.node),
            "history": [second._asdict() for second in self.history(name)],
            "errors": [self.told(each) for each in self.runner.troubles(name)],
        }

    def told(self, trouble: Trouble) -> Record:
        """A fault as plain values."""
        return {**asdict(trouble), "time": trouble.time.isoformat()}

    def dead_letters(self, limit: int) -> list[Record]:
        """The last messages that failed and that no node caught, the latest first.

        Raises:
            SetupError: the file cannot be read.
        """
        path = self.runner.dead_letters.path
        try:
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - TAIL))
                lines = file.read().split(b"\n")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise SetupError(f"the dead letters in {path} cannot be read: {error.strerror}") from error
        return [record for line in reversed(lines) for record in _whole(line)][:limit]

    def _sinks(self, seen: FlowSnapshot) -> tuple[SinkSnapshot, ...]:
        nodes = self.runner.graph.nodes
        return tuple(
            SinkSnapshot(
                name=each.name,
                uses=each.uses,
                backlog=each.waiting + (nodes[each.name].node.backlog() if each.name in nodes else 0),
                state=each.state,
            )
            for each in seen.nodes
            if each.kind == "sink"
        )

    def _count_alerts(self) -> int:
        """Counted anew when the file has changed; one that cannot be read is told by whoever asks for the alerts."""
        try:
            mark = (self.folder / ALERTS).stat().st_mtime_ns
        except OSError:
            return 0
        if mark != self._alerts[0]:
            with suppress(SetupError):
                self._alerts = (mark, len(open_alerts(self.folder)))
        return self._alerts[1]

    def _reasons(self) -> dict[str, int]:
        told = [
            each.node.tallies()
            for each in self.runner.graph.nodes.values()
            if each.ports.gives is not None and issubclass(each.ports.gives, Passage) and not each.ports.same
        ]
        counts = {reason: sum(tallies.get(reason, 0) for tallies in told) for reason in REASONS}
        return {reason: count for reason, count in counts.items() if count or reason == "read"} if told else {}

    def _look_at_box(self) -> BoxSnapshot:
        if self._box is None:
            from flowalpr.control.box import Box  # Here, since psutil is not needed until somebody looks.

            self._box = Box(self.folder)
        nodes = self.runner.graph.nodes
        notes = {name: each.node.notes().get("provider", "") for name, each in nodes.items()}
        return self._box.look({name: provider for name, provider in notes.items() if provider})


def _whole(line: bytes) -> Iterator[Record]:
    """The record of a line; none of one that is cut off at its begin or still being written."""
    with suppress(ValueError):
        found = json.loads(line)
        if isinstance(found, dict):
            yield found
