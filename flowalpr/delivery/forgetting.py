"""What a queue that waits says of one person, and how it is erased."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from flowalpr.delivery.outbox import hold
from flowalpr.storage.erasing import erasing, reading
from flowalpr.subject import Subject


def events_about(folder: Path, subject: Subject) -> list[tuple[int, dict[str, Any]]]:  # Any: the values that JSON has
    """Number and record of the events in a queue that speak of a plate, or tell of what was erased of it.

    Raises:
        SetupError: it cannot be read.
    """
    path = folder / "events.db"
    if not path.exists():
        return []
    with reading(path) as database:
        events = database.execute("SELECT number, payload FROM events")
        rows = [(number, json.loads(payload)) for number, payload in events]
    return [(number, record) for number, record in rows if record.get("type") != "Erasure" and subject.is_in(record)]


def forget_events(folder: Path, owner: str, numbers: Iterable[int]) -> None:
    """Erase events from a queue that nobody uses now, so that nothing is left of them on the disk.

    Raises:
        QueueTakenError: a running flow uses it.
        SetupError: it cannot be written.
    """
    held = hold(folder, owner)
    try:
        with erasing(folder / "events.db") as database:
            database.executemany("DELETE FROM events WHERE number = ?", [(number,) for number in numbers])
    finally:
        os.close(held)
