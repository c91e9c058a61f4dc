"""What `distinct` passed on a while ago, kept in a SQLite file so that a restart does not forget it."""

from __future__ import annotations

import os
import sqlite3
from datetime import datetime
from pathlib import Path

from flowalpr import SetupError

LOCK_WAIT = 0.2
"""Seconds that a write, and so a car, waits for another program to let go of the file."""
TABLE = "CREATE TABLE IF NOT EXISTS passed (camera TEXT, plate TEXT, time REAL, PRIMARY KEY (camera, plate))"


class Memory:
    """Plates with the time at which they were passed on, by camera."""

    def __init__(self, path: Path) -> None:
        """Opens the file, or makes it.

        Raises:
            SetupError: it cannot be used.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._database = sqlite3.connect(path, timeout=LOCK_WAIT, isolation_level=None)
            try:
                self._database.execute("PRAGMA journal_mode = WAL")
                # What a power cut may forget is told once more; what a crash of ours may forget is nothing.
                self._database.execute("PRAGMA synchronous = NORMAL")
                self._database.execute("PRAGMA secure_delete = ON")
                self._database.execute(TABLE)
                self._database.execute("DELETE FROM passed WHERE FALSE")  # Learns now whether it can be written.
            except BaseException:
                self._database.close()
                raise
        except (OSError, sqlite3.Error) as error:
            raise SetupError(
                f"the memory {path} cannot be used: {error}", f"delete it, or: ls -la {path.parent}"
            ) from error

    def all(self) -> list[tuple[str, str, float]]:
        """Camera, plate and seconds since 1970, the first first."""
        return self._database.execute("SELECT camera, plate, time FROM passed ORDER BY time").fetchall()

    def keep(self, camera: str, plate: str, time: datetime) -> None:
        """Keep that a plate was passed on.

        Raises:
            sqlite3.Error: it is not kept.
        """
        self._database.execute(
            "INSERT OR REPLACE INTO passed VALUES (?, ?, ?)", [camera, storable(plate), time.timestamp()]
        )

    def forget(self, camera: str, plate: str) -> None:
        """Forget a plate.

        Raises:
            sqlite3.Error: it is still kept.
        """
        self._database.execute("DELETE FROM passed WHERE camera = ? AND plate = ?", [camera, storable(plate)])

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def storable(text: str) -> str:
    """A text as SQLite can hold it: UTF-8 has no lone surrogates."""
    return text.encode("utf-8", "backslashreplace").decode()
