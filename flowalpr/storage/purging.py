"""Deletes what is due, in small steps between appends, and counts what went."""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime, timedelta

from flowalpr.storage.retention import Due, Keep
from flowalpr.storage.store import ReadStore

A_STEP = 250
"""Reads that one step deletes at most, so that a car need not wait for its turn."""
REST = 1.0
"""Seconds between two looks when nothing was due; a period of minutes is kept to the second or two."""
KEYS_EVERY = 600.0
"""Seconds between two looks for keys of days that nothing is left of."""


class Purger:
    """Keeps one store to its periods."""

    def __init__(self, store: ReadStore, keep: Keep) -> None:
        self._store = store
        self._keep = keep
        self._next = 0.0
        self._next_keys = 0.0
        self.purged: Counter[tuple[str, str]] = Counter()
        """How many of which kind went, by which rule."""

    def step(self, now: datetime) -> int:
        """Delete some of what is due at that time (UTC, aware), or nothing if it looked a moment ago; how many.

        Raises:
            SetupError: the store cannot be written; what is due is deleted by a later step.
        """
        if time.monotonic() < self._next:
            return 0
        gone = sum(self._delete(each, now, A_STEP) for each in self._keep.due(now))
        self._next = 0.0 if gone else time.monotonic() + REST
        if time.monotonic() >= self._next_keys:
            self._next_keys = time.monotonic() + KEYS_EVERY
            self._store.destroy_keys(now - timedelta(days=1))
        return gone

    def purge(self, now: datetime) -> Counter[tuple[str, str]]:
        """Delete all that is due at that time, and the keys of days that nothing is left of; what went.

        Raises:
            SetupError: the store cannot be written.
        """
        for each in self._keep.due(now):
            self._delete(each, now, None)
        self._store.destroy_keys(now - timedelta(days=1))
        return self.purged

    def due(self, now: datetime) -> Counter[tuple[str, str]]:
        """What would go at that time; reads to which several periods apply are counted for each.

        Raises:
            SetupError: the store cannot be read.
        """
        return Counter({(each.kind, each.which): self._store.count(each.query()) for each in self._keep.due(now)})

    def _delete(self, due: Due, now: datetime, most: int | None) -> int:
        spared = self._keep.spared(now)
        if due.kind == "read":
            gone = self._store.purge(due.query(), most, spared)
        else:
            gone = self._store.drop_pictures(due.query(), due.kind, most, spared)
        self.purged[due.kind, due.which] += gone
        return gone
