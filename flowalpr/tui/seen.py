"""What the monitor has been told, and what its user wants to see of it: pages are drawn from these two alone."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import Any

from flowalpr.telemetry.snapshot import FlowSnapshot, NodeSnapshot

Record = dict[str, Any]  # Any: the values that JSON has
LATELY = 2.0
"""Seconds over which rates are taken: shorter, and figures flicker; longer, and a stop is noticed late."""
READS_KEPT = 500
LINES_KEPT = 1000


class History:
    """The snapshots of the last seconds, from which rates are taken."""

    def __init__(self, like: History | None = None) -> None:
        """`like`: begins as another has become."""
        self._snapshots: deque[FlowSnapshot] = deque(like._snapshots if like else ())

    def add(self, snapshot: FlowSnapshot) -> None:
        """Take in the newest; what is older than the time of a rate is forgotten, and all if the flow began anew."""
        if self._snapshots and snapshot.seconds < self._snapshots[-1].seconds:
            self._snapshots.clear()
        self._snapshots.append(snapshot)
        while len(self._snapshots) > 2 and snapshot.seconds - self._snapshots[1].seconds >= LATELY:
            self._snapshots.popleft()

    @property
    def latest(self) -> FlowSnapshot | None:
        """The newest snapshot."""
        return self._snapshots[-1] if self._snapshots else None

    def rates(self, counter: str) -> dict[str, float]:
        """How fast a counter of each node grows (`taken`, `given`, `dropped`, `errors`, `busy_ms`), a second."""
        if not self._snapshots:
            return {}
        old, new = self._snapshots[0], self._snapshots[-1]
        seconds = new.seconds - old.seconds
        before = {node.name: node for node in old.nodes}
        return {node.name: _rate(before.get(node.name), node, counter, seconds) for node in new.nodes}


def _rate(before: NodeSnapshot | None, now: NodeSnapshot, counter: str, seconds: float) -> float:
    if before is None or seconds <= 0:
        return 0.0
    return float(max(0.0, (getattr(now, counter) - getattr(before, counter)) / seconds))


@dataclass(slots=True)
class Seen:
    """What the flow has told so far."""

    history: History = field(default_factory=History)
    reads: deque[Record] = field(default_factory=lambda: deque(maxlen=READS_KEPT))
    """The latest first."""
    alerts: list[Record] = field(default_factory=list)
    """Those that are open, the latest first."""
    lines: deque[Record] = field(default_factory=lambda: deque(maxlen=LINES_KEPT))
    """The log, the latest last."""
    past: list[Record] | None = None
    """What a search in the past found; None while none was asked for."""
    details: dict[str, Record] = field(default_factory=dict)
    """What was asked for of one thing: `node gate`, `read 4f...`."""
    pictures: dict[str, bytes] = field(default_factory=dict)
    """The latest picture of a camera, or the crop of a read, as JPEG; under the same names as details."""
    trouble: str = ""
    """Why nothing comes just now, in words; empty while all is well."""

    @property
    def now(self) -> FlowSnapshot | None:
        """The newest snapshot."""
        return self.history.latest

    def still(self) -> Seen:
        """The same as it is now, for a screen that stands still; details of it may still come."""
        history = History(self.history)
        return replace(self, history=history, reads=self.reads.copy(), alerts=self.alerts, lines=self.lines.copy())

    def read(self, id: str) -> Record | None:  # noqa: A002  # A read's id is called so everywhere.
        """The read of that id, if it is known."""
        return next((each for each in (*self.reads, *(self.past or ())) if each["id"] == id), None)


@dataclass(slots=True)
class View:
    """What the user wants to see."""

    page: str = "flow"
    subject: str = ""
    """The node, camera or read that is shown in detail; empty for the page's list."""
    chosen: str | None = None
    """The key of the row or box that is chosen."""
    wanted: str = ""
    """What rows must contain (`/`)."""
    plates: bool = False
    """Whether plates are shown in full (`m`)."""
    drawn: bool | None = None
    """Whether the flow is drawn as boxes or told as a list (`v`); None for what fits."""
    past: str = ""
    """What was searched in the past; empty for reads as they come."""
    held: bool = False
    """Whether the screen stands still (space)."""
    host: str = ""
    """What is looked at: the flow's name, or where it runs."""

    @property
    def looked_at(self) -> str:
        """What the flow is asked about: what is shown in detail, and on the page of the flow what is chosen."""
        return self.subject or (self.chosen or "" if self.page == "flow" else "")


def matches(wanted: str, *texts: object) -> bool:
    """Whether all words of `wanted` are found in the texts, whatever their case."""
    everything = " ".join(str(text) for text in texts).lower()
    return all(word in everything for word in wanted.lower().split())
