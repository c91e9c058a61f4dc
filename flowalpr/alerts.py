"""Alerts until somebody has acknowledged them: a SQLite file in the state folder of a flow (`flowalpr.state`).

Nodes that raise alerts keep them here, from their own thread; the monitor and `flowalpr alerts` list and acknowledge
them, from any thread and any process of the same user. An alert names a plate until it is acknowledged, and no longer:
then only the read's id leads to it, in a store.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowalpr.errors import FlowalprError, SetupError
from flowalpr.messages import masked

if TYPE_CHECKING:
    from flowalpr.events import Alert

FILE = "alerts.db"
VERSION = 1
"""Of the table; a file of a later version is not touched."""
LOCK_WAIT = 2.0
"""Seconds that a write waits for another process to let go of the file."""
MOST_KEPT = 10_000
"""Alerts that are kept, some 3 MB; the first go when there are more."""
LONGEST_NOTE = 1000
"""Characters of what is said on acknowledging."""
GRAVEST_FIRST = ("high", "medium", "low")

TABLE = """
CREATE TABLE IF NOT EXISTS alerts (
    id TEXT PRIMARY KEY, raised TEXT NOT NULL, node TEXT NOT NULL, camera TEXT NOT NULL, severity TEXT NOT NULL,
    label TEXT NOT NULL, text TEXT NOT NULL, read TEXT NOT NULL, kept TEXT NOT NULL,
    acknowledged TEXT, by TEXT, note TEXT)
"""
COLUMNS = "id, raised, node, camera, severity, label, text, read, acknowledged, by, note"


class AcknowledgeError(FlowalprError):
    """There is nothing to acknowledge: no such alert, or somebody was quicker."""

    exit_code = 2


@dataclass(frozen=True, slots=True, repr=False)
class KeptAlert:
    """An alert as it is kept."""

    id: str
    raised: datetime
    """When the plate was seen (UTC, aware)."""
    node: str
    """The node that raised it."""
    camera: str
    severity: str
    """`low`, `medium` or `high`."""
    label: str
    """What it is about, in the operator's words."""
    text: str
    """The plate; empty once it is acknowledged."""
    read: str
    """The id of the read, by which a store finds it."""
    acknowledged: datetime | None = None
    """When somebody did (UTC, aware)."""
    by: str = ""
    """Who did."""
    note: str = ""
    """What they said of it."""

    def record(self) -> dict[str, Any]:  # Any: the values that JSON has
        """All of it as plain values, times in ISO 8601."""
        return {
            "id": self.id,
            "raised": self.raised.isoformat(),
            "node": self.node,
            "camera": self.camera,
            "severity": self.severity,
            "label": self.label,
            "text": self.text,
            "read": self.read,
            "acknowledged": self.acknowledged.isoformat() if self.acknowledged else None,
            "by": self.by,
            "note": self.note,
        }

    def __repr__(self) -> str:  # The label may be a name.
        return f"KeptAlert({self.id!r}, {self.severity!r}, {masked(self.text)!r}, camera={self.camera!r})"


def open_alerts(folder: Path) -> list[KeptAlert]:
    """The alerts in a flow's state folder that nobody has acknowledged, the gravest first, of these the latest.

    Raises:
        SetupError: the file cannot be read.
    """
    found = _found(folder, "acknowledged IS NULL")
    return sorted(found, key=lambda each: GRAVEST_FIRST.index(each.severity))


def acknowledged_alerts(folder: Path) -> list[KeptAlert]:
    """Those that somebody has acknowledged, by whom and when, the latest first.

    Raises:
        SetupError: the file cannot be read.
    """
    return _found(folder, "acknowledged IS NOT NULL")


def acknowledge(folder: Path, id_: str, by: str, note: str = "") -> KeptAlert:
    """Close an alert in a flow's state folder, and give it as it was, with the plate, for the last time.

    Raises:
        AcknowledgeError: there is no such alert, or somebody has acknowledged it before.
        SetupError: the file cannot be written.
    """
    now = datetime.now(timezone.utc)
    if (folder / FILE).exists():
        with _opened(folder) as database:
            database.execute("BEGIN IMMEDIATE")  # Of two at the same moment one is the first.
            row = database.execute(f"SELECT {COLUMNS} FROM alerts WHERE id = ?", [id_]).fetchone()  # noqa: S608  # Ours.
            if row is not None and row[8] is None:
                database.execute(
                    "UPDATE alerts SET acknowledged = ?, by = ?, note = ?, text = '' WHERE id = ?",
                    [now.isoformat(), _storable(by), _storable(note)[:LONGEST_NOTE], id_],
                )
                database.execute("COMMIT")
                return _alert(row)
            database.execute("ROLLBACK")
            if row is not None:
                earlier = _alert(row)
                raise AcknowledgeError(f"alert {id_} was acknowledged by {earlier.by} at {row[8]}")
    raise AcknowledgeError(f"there is no alert {id_}")


def keep(folder: Path, alert: Alert, node: str, time: timedelta) -> None:
    """Keep an alert that a node raised, on the disk when this returns; forget those kept for longer than `time`.

    Raises:
        SetupError: it cannot be written.
    """
    now, read = datetime.now(timezone.utc), alert.read
    about = (node, alert.stamp.camera, alert.severity, alert.label, read.text, read.id)
    row = (alert.id, _utc(alert.stamp.time), *map(_storable, about), _utc(now))
    with _opened(folder) as database:
        database.execute("BEGIN IMMEDIATE")
        database.execute(
            "INSERT OR IGNORE INTO alerts (id, raised, node, camera, severity, label, text, read, kept) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )
        database.execute("DELETE FROM alerts WHERE kept < ?", [_utc(now - time)])
        first = "SELECT id FROM alerts ORDER BY kept DESC LIMIT -1 OFFSET ?"
        database.execute(f"DELETE FROM alerts WHERE id IN ({first})", [MOST_KEPT])  # noqa: S608  # Ours.
        database.execute("COMMIT")


def _found(folder: Path, condition: str) -> list[KeptAlert]:
    if not (folder / FILE).exists():
        return []
    with _opened(folder) as database:
        rows = database.execute(f"SELECT {COLUMNS} FROM alerts WHERE {condition} ORDER BY raised DESC")  # noqa: S608
        return [_alert(row) for row in rows]


@contextmanager
def _opened(folder: Path) -> Iterator[sqlite3.Connection]:
    """The file, made if need be; what goes wrong with it is told without a plate."""
    path = folder / FILE
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # SQLite gives its journal files the mode of this one.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        database = sqlite3.connect(path, timeout=LOCK_WAIT, isolation_level=None)
        try:
            _prepare(database, path)
            yield database
        finally:
            database.close()
    except (OSError, sqlite3.Error) as error:
        what = f"the alerts in {path} cannot be used: {error}"
        raise SetupError(what, f"see whether it is writable and has room: ls -la {folder}; df -h {folder}") from error


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise SetupError(f"{path} was written by a later version", "pip install --upgrade flowalpr")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("PRAGMA secure_delete = ON")  # Plates of acknowledged alerts are overwritten.
    if version < VERSION:
        database.execute("BEGIN IMMEDIATE")
        for statement in (TABLE, f"PRAGMA user_version = {VERSION}", "COMMIT"):
            database.execute(statement)


def _alert(row: tuple[Any, ...]) -> KeptAlert:  # Any: the columns of a row
    id_, raised, node, camera, severity, label, text, read, acknowledged, by, note = row
    when = datetime.fromisoformat(acknowledged) if acknowledged else None
    raised = datetime.fromisoformat(raised)
    return KeptAlert(id_, raised, node, camera, severity, label, text, read, when, by or "", note or "")


def _utc(time: datetime) -> str:
    """Of one form, so that the order of the texts is that of the times."""
    return time.astimezone(timezone.utc).isoformat(timespec="microseconds")


def _storable(text: str) -> str:
    """A text as SQLite can hold it: UTF-8 has no lone surrogates."""
    return text.encode("utf-8", "backslashreplace").decode()
