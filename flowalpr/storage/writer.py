"""Reads on their way into a store: they wait in memory for a moment and are written many at once."""

from __future__ import annotations

import logging
import time

from flowalpr.errors import SetupError
from flowalpr.messages import PlateRead
from flowalpr.storage.rows import Entry, entry_of
from flowalpr.storage.store import ReadStore

log = logging.getLogger(__name__)

BATCH = 500
"""Reads that are written without waiting for the next save."""
MOST_WAITING = 10_000
"""Reads that wait in memory while nothing can be written, some 10 MB without their pictures."""
MOST_PICTURES = 100_000_000
"""Bytes of pictures that wait with them; beyond, reads are kept without."""
LONGEST_REST = 30.0
"""Seconds between two tries at most."""


class Writer:
    """Writes into a store that may be full, locked or away for a while."""

    def __init__(self, store: ReadStore, kinds: tuple[str, ...] = ()) -> None:
        """With the kinds of pictures that are kept of each read: `crop`, `frame`."""
        self._store = store
        self._kinds = kinds
        self._waiting: list[Entry] = []
        self._picture_bytes = 0
        self._rest = 0.0
        self._next_try = 0.0
        self._failure: SetupError | None = None
        self._is_told = False

    def add(self, read: PlateRead, shelf: str = "", pictures: bool = True) -> None:
        """Take a read; it is written by the next `save` at the latest. Reads of a shelf have keys of their own.

        Raises:
            ValueError: it has a value that no database holds; it is not taken.
            SetupError: nothing could be written for so long that no more can be kept.
        """
        if len(self._waiting) >= MOST_WAITING:
            self._write()
        if len(self._waiting) >= MOST_WAITING:
            raise SetupError(f"{MOST_WAITING} reads wait for the database {self._store.address}", "make it writable")
        kinds = self._kinds if pictures and self._picture_bytes < MOST_PICTURES else ()
        entry = entry_of(read, shelf, kinds)
        self._waiting.append(entry)
        self._picture_bytes += sum(map(len, entry.pictures.values()))
        if len(self._waiting) >= BATCH or self._picture_bytes >= MOST_PICTURES:
            self._write()  # If this fails, the read is safe with the others, and the next `save` says so.

    def save(self, at_once: bool = False) -> None:
        """Write all that waits; after a failure only when its rest is over, or `at_once`.

        Raises:
            SetupError: it cannot be written, and all of it still waits; raised once until it can, or if `at_once`.
        """
        self._write(at_once)
        if self._failure is not None and (at_once or not self._is_told):
            self._is_told = True
            raise self._failure

    def close(self) -> None:
        """Write all that waits and close the store.

        Raises:
            SetupError: it could not be written; the message says how many reads are lost.
        """
        try:
            self._write(at_once=True)
        finally:
            self._store.close()
        if self._failure is not None:
            where = self._store.address
            raise SetupError(
                f"{len(self._waiting)} reads are lost, for the database {where} could not be written to the end",
                self._failure.problem.fix,
            ) from self._failure

    def _write(self, at_once: bool = False) -> None:
        if not self._waiting or (not at_once and time.monotonic() < self._next_try):
            return
        try:
            self._store.write(self._waiting)
        except SetupError as error:
            self._rest = min(max(1.0, self._rest * 2), LONGEST_REST)
            self._next_try = time.monotonic() + self._rest
            what = f"{len(self._waiting)} reads wait, for {error.problem.what}"
            log.warning("%s; tried again in %.0f s", what, self._rest)
            self._failure = SetupError(what, error.problem.fix)
            return
        if self._failure is not None:
            log.warning("the database %s can be written again; no read was lost", self._store.address)
        self._waiting.clear()
        self._picture_bytes = 0
        self._rest = self._next_try = 0.0
        self._failure, self._is_told = None, False
