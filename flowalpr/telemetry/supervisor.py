"""What the service manager is told of a running flow: that it is ready, how it is, that it lives, and that it stops.

systemd says where it listens in `$NOTIFY_SOCKET`, and in `$WATCHDOG_USEC` how long it waits for a sign of life before
it aborts and restarts the process (man sd_notify). A few datagrams need no library.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flowalpr.telemetry.snapshot import FlowSnapshot

log = logging.getLogger(__name__)

EVERY = 5.0
"""Seconds between two words on how the flow is; less if the watchdog is more impatient."""
BEATS = 3
"""Signs of life within the watchdog's patience, so that one that comes late does no harm."""
WELL = ("idle", "opening", "running", "live", "ended")
"""States of nodes that are not worth a word."""


class Supervisor:
    """Speaks for one flow to whoever supervises it, from a thread of its own; does nothing if nobody does.

    A context manager: entered once all nodes are open, left before the flow stops.
    """

    def __init__(
        self,
        look: Callable[[], FlowSnapshot],
        hanging: Callable[[float], Sequence[str]],
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """`hanging` names the nodes that have not come back for so many seconds; while there are any, no sign of life
        is given, for a flow that hangs is restarted and one that merely waits is not.
        """
        self._look = look
        self._hanging = hanging
        self._patience = _patience(environ)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="flow supervisor", daemon=True)
        self._hung: tuple[str, ...] = ()
        self._socket = _connected(environ.get("NOTIFY_SOCKET", ""))

    def __enter__(self) -> Supervisor:
        if self._socket is None:
            return self
        if self._patience:
            # The abort of a flow that hangs then leaves in the journal where each of its threads stood.
            faulthandler.enable()
        self._tell("READY=1", f"STATUS={in_words(self._look())}")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._socket is None:
            return
        self._stopping.set()
        self._thread.join(1.0)
        self._tell("STOPPING=1", "STATUS=lets what is on its way arrive")
        self._socket.close()

    def _beat(self) -> None:
        pause = min(EVERY, self._patience / BEATS) if self._patience else EVERY
        while not self._stopping.wait(pause):
            hung = tuple(self._hanging(self._patience)) if self._patience else ()
            if hung and hung != self._hung:
                log.error(
                    "%s did not come back for %g s; the watchdog will restart the flow", _list(hung), self._patience
                )
            self._hung = hung
            status = f"hangs in {_list(hung)}" if hung else in_words(self._look())
            self._tell(*(["WATCHDOG=1"] if self._patience and not hung else []), f"STATUS={status}")

    def _tell(self, *lines: str) -> None:
        if self._socket is None:
            return
        try:
            self._socket.send("\n".join(lines).encode())
        except OSError as error:  # Its buffer is full, or it restarts: the next beat says it again.
            log.warning("the service manager could not be told: %s", error.strerror)


def in_words(seen: FlowSnapshot) -> str:
    """A line on how a flow is; never what a node says of itself after a colon, for anybody may read it."""
    given = ", ".join(f"{each.name} gave {each.given}" for each in seen.nodes if each.kind == "source")
    taken = ", ".join(f"{each.name} took {each.taken}" for each in seen.nodes if each.kind == "sink")
    errors = sum(each.errors for each in seen.nodes)
    unwell = [f"{each.name} {each.state.partition(':')[0]}" for each in seen.nodes]
    unwell = [words for words, each in zip(unwell, seen.nodes, strict=True) if each.state not in WELL]
    parts = [given, taken, f"{errors} errors" if errors else "", f"not well: {', '.join(unwell)}" if unwell else ""]
    return "; ".join(part for part in parts if part)


def _patience(environ: Mapping[str, str]) -> float:
    """Seconds that the watchdog waits for a sign of life of this process; 0 if there is none."""
    meant_for = environ.get("WATCHDOG_PID")
    microseconds = environ.get("WATCHDOG_USEC", "")
    if not microseconds.isdecimal() or (meant_for and meant_for != str(os.getpid())):
        return 0.0
    return int(microseconds) / 1e6


def _connected(address: str) -> socket.socket | None:
    """The line to whoever listens at that address; None if nobody does. An `@` stands for the abstract name space."""
    if not address:
        return None
    line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    try:
        line.settimeout(1.0)
        line.connect("\0" + address[1:] if address.startswith("@") else address)
    except OSError as error:
        line.close()
        log.warning("$NOTIFY_SOCKET names %s, where nobody listens: %s", address, error.strerror)
        return None
    return line


def _list(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
