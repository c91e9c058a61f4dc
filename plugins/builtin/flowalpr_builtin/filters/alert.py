"""The node `alert`: what a person should look at now."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr

import flowalpr
from flowalpr import END_OF_TIME, Duration, Exposure, Fault, Node, PlateRead, SetupError, Subject
from flowalpr_builtin.filters.once import Once

MOST_UNKEPT = 1000
"""Alerts that wait in memory while the disk takes none; the first are let go."""
REST = 5.0
"""Seconds between two tries to keep them."""


class Alert(Node):
    """Raise an alert for each car that comes here, once: for `email`, `webhook`, `mqtt` or `console`.

    Put in front what chooses the cars: `watchlist` with `keep: alert` and a list of stolen vehicles, say, or `where`.
    One such pair for each list gives each its own severity.

    An alert bears an id and stays open, over restarts too, until a person acknowledges it: `flowalpr alerts list FLOW`
    shows the open ones. They are in a file in the flow's state folder, which only its owner may read; acknowledged, an
    alert loses its plate. If the disk is full, alerts are given as ever and kept as soon as there is room.
    """

    heavy: ClassVar[bool] = True

    severity: Literal["low", "medium", "high"] = "medium"
    """How urgent it is."""
    label: str = ""
    """What it is about; else what the watch lists say of the plate, or the node's name."""
    again: Duration = timedelta(minutes=5)
    """For how long a plate must be out of sight to raise an alert again."""
    keep: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(days=30)
    """How long an alert is kept, acknowledged or not."""

    _once: Once
    _unkept: deque[flowalpr.Alert] = PrivateAttr(default_factory=lambda: deque(maxlen=MOST_UNKEPT))
    _next_try: float = 0.0
    _trouble: str = ""
    _is_told: bool = False

    def exposes(self) -> tuple[Exposure, ...]:
        return (Exposure("kept", "alerts, until somebody acknowledges them", longest=self.keep),)

    def known_of(self, subject: Subject) -> list[dict[str, Any]]:  # Any: the values that JSON has
        from flowalpr.alerts import acknowledged_alerts, open_alerts

        kept = [*open_alerts(self.home.parent), *acknowledged_alerts(self.home.parent)]
        return [each.record() for each in kept if each.node == self.name and subject.is_in(each.record())]

    def forget(self, subject: Subject) -> int:
        from flowalpr.alerts import FILE
        from flowalpr.storage.erasing import erasing

        gone = [(each["id"],) for each in self.known_of(subject)]
        if gone:
            with erasing(self.home.parent / FILE) as database:
                database.executemany("DELETE FROM alerts WHERE id = ?", gone)
        return len(gone)

    def open(self) -> None:
        from flowalpr.alerts import open_alerts

        self._once = Once(self.again)
        for each in open_alerts(self.home.parent):  # A car that stands there raises none anew after a restart.
            if each.node == self.name:
                self._once.has_seen(each.read, each.camera, each.text, each.raised)

    def process(self, read: PlateRead) -> flowalpr.Alert | None:
        if not self._once.is_first(read):
            return None
        self.tally(self.severity)
        said = ", ".join(entry.label for entry in read.listed if entry.label)
        alert = flowalpr.Alert(self.severity, self.label or said or self.name, read.detached())
        self._unkept.append(alert)
        if not self._trouble:
            self._keep()
        return alert

    def due(self, now: datetime) -> Iterator[Fault]:
        if self._unkept and (now == END_OF_TIME or time.monotonic() >= self._next_try):
            self._keep()
        if self._trouble and not self._is_told:
            self._is_told = True
            yield Fault(f"alerts cannot be kept until they are acknowledged: {self._trouble}")

    def _keep(self) -> None:
        """Bring all that is not kept yet to the disk; that it cannot be written is told, and holds no alert back."""
        from flowalpr.alerts import keep

        try:
            while self._unkept:
                alert = self._unkept[0]
                keep(self.home.parent, alert, self.name, self.keep)
                self._unkept.popleft()
        except SetupError as error:
            self._trouble, self._next_try = error.problem.what, time.monotonic() + REST
        else:
            self._trouble, self._is_told = "", False
