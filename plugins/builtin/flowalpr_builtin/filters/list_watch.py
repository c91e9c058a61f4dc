"""Keeps a watch list as it is on the disk, read by a thread of its own so that a large one stops no car."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from pathlib import Path
from queue import SimpleQueue

from flowalpr.plates import Nearby
from flowalpr_builtin.filters.list_file import Action, Entry, ListError, read_list

log = logging.getLogger(__name__)

PAUSE = 0.2
"""Seconds between two looks. A change counts when two looks saw it alike, so that no half-written file is read."""

Signature = tuple[tuple[int, int, int], ...]


class ListWatch:
    """A list that follows its file: a change is effective within a second, a broken one changes nothing."""

    def __init__(self, path: Path, action: Action, alike: float) -> None:
        """Reads the list.

        Raises:
            ListError: it is missing or broken.
        """
        self._path, self._action, self._alike = path, action, alike
        self._seen = self._pending = self._signature()
        self.entries, self.plates = self._read()
        self.errors: SimpleQueue[str] = SimpleQueue()
        """What was wrong with the file since, each version of it once."""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Follow the file until `stop`."""
        self._thread = threading.Thread(target=self._run, name=f"list {self._path.name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Follow it no more."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=1)  # One that reads a large file ends with the program.

    def look(self) -> None:
        """Read the file if it has changed and is no longer being written."""
        now = self._signature()
        if now == self._seen:
            return
        if now != self._pending:
            self._pending = now
            return
        try:
            entries, plates = self._read()
        except ListError as error:
            self.errors.put(f"{error}; the list of {len(self.entries)} entries read before stays in use")
        else:
            if now != self._signature():
                return  # It was changed while it was read.
            self.entries, self.plates = entries, plates
        self._seen = now

    def _run(self) -> None:
        while not self._stop.wait(PAUSE):
            try:
                self.look()
            except Exception as error:  # What nobody foresaw must be heard, and must not end the thread.
                log.exception("the watch list %s", self._path)
                self.errors.put(f"{self._path}: {type(error).__name__}; the list read before stays in use")

    def _read(self) -> tuple[tuple[Entry, ...], Nearby[Entry]]:
        entries = read_list(self._path, self._action)
        plates: Nearby[Entry] = Nearby(self._alike)
        for entry in entries:
            plates.add(entry.plate, entry)
        log.info("%s: %d entries", self._path, len(entries))
        counts = Counter(entry.plate for entry in entries)
        twice = [str(entry.line) for entry in entries if counts[entry.plate] > 1]
        if twice:
            lines = ", ".join(twice[:6]) + (" ..." if len(twice) > 6 else "")
            log.warning(
                "%s: plates are listed more than once (entries %s); deny goes before alert, alert before allow",
                self._path,
                lines,
            )
        return entries, plates

    def _signature(self) -> Signature:
        """What changes when the file does; that of a SQLite file may change in the log beside it. Empty: not there."""
        found = []
        for path in (self._path, self._path.with_name(self._path.name + "-wal")):
            try:
                status = path.stat()
            except OSError:  # Reading it says why.
                continue
            found.append((status.st_ino, status.st_size, status.st_mtime_ns))
        return tuple(found)
