"""Who looked at plates or changed something through the door: written down before it is done."""

from __future__ import annotations

import threading
from time import monotonic
from typing import TYPE_CHECKING

from flowalpr.storage.audit import AuditLog, Who

if TYPE_CHECKING:
    from flowalpr.control.access import Guest

LOOKING = 600.0
"""Seconds for which looking on is one entry, however many pictures are asked for."""


class Journal:
    """The audit log, as the door writes it. Usable from several threads; each entry waits for the disk."""

    def __init__(self, flow: str, log: AuditLog | None = None) -> None:
        self._flow = flow
        self._log = log or AuditLog()
        self._looking: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def note(self, guest: Guest, action: str, *, plate: str = "", why: str = "", **about: str | int) -> None:
        """Write down what a guest is about to do.

        Raises:
            PurposeMissingError: a purpose must be given for this, and was not.
            SetupError: it cannot be written, so it must not be done.
        """
        who = Who(guest.who, guest.origin, guest.role.value)
        self._log.record(action, who, plate=plate, why=why, about={"flow": self._flow, **about})

    def note_looking(self, guest: Guest, at: str, why: str = "") -> None:
        """Write down that a guest looks on where plates are shown, once in a while.

        Raises:
            PurposeMissingError: a purpose must be given for this, and was not.
            SetupError: it cannot be written, so nothing must be shown.
        """
        now = monotonic()
        with self._lock:
            last = self._looking.get((guest.who, at))
            if last is not None and now - last < LOOKING:
                return
        self.note(guest, "watch", why=why, at=at)
        with self._lock:
            self._looking = {key: when for key, when in self._looking.items() if now - when < LOOKING}
            self._looking[guest.who, at] = now
