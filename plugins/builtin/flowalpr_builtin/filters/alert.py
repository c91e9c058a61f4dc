"""The node `alert`: what a person should look at now."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import flowalpr
from flowalpr import Duration, Node, PlateRead
from flowalpr_builtin.filters.once import Once


class Alert(Node):
    """Raise an alert for each car that comes here, once: for `email`, `webhook`, `mqtt` or `console`.

    Put in front what chooses the cars: `watchlist` with `keep: alert` and a list of stolen vehicles, say, or `where`.
    One such pair for each list gives each its own severity. An alert bears an id, by which it is acknowledged.
    """

    severity: Literal["low", "medium", "high"] = "medium"
    """How urgent it is."""
    label: str = ""
    """What it is about; else what the watch lists say of the plate, or the node's name."""
    again: Duration = timedelta(minutes=5)
    """For how long a plate must be out of sight to raise an alert again."""

    _once: Once

    def open(self) -> None:
        self._once = Once(self.again)

    def process(self, read: PlateRead) -> flowalpr.Alert | None:
        if not self._once.is_first(read):
            return None
        self.tally(self.severity)
        said = ", ".join(entry.label for entry in read.listed if entry.label)
        return flowalpr.Alert(self.severity, self.label or said or self.name, read.detached())
