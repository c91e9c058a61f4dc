"""What becomes of an error: it is counted and logged, and its message goes to a catch node or the dead-letter file.

Errors that keep coming trip a breaker: the node rests 1, 2, 4 ... 60 s, then is tried with one message again.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from time import monotonic
from typing import Any

from flowalpr.errors import SetupError, in_one_line
from flowalpr.messages import Fault, Message, masked, stamp_of
from flowalpr.storage.erasing import erase_lines, record_of_line

log = logging.getLogger("flowalpr.engine")

TRIP_AFTER = 5
"""Errors in a row after which a node rests."""
LONGEST_REST = 60.0
"""Seconds; a rest doubles from one second up to this."""
TROUBLES = 20
"""Faults of a node that are remembered for those who look on."""
DEAD_LETTERS_HOLD = 10_000_000
"""Bytes in the dead-letter file before it is put aside as `.1`, in place of the one put aside before."""


DEAD_LETTERS_STAY = timedelta(days=30)
"""Time for which a message that failed is kept: it may hold a plate."""
SWEEP_EVERY = 600.0
"""Seconds between two looks for dead letters that are due."""


class FlowStopped(Exception):  # noqa: N818  # Not an error of its own: it carries one out of a node's thread.
    """A node whose `on_error` is `stop` failed."""


def fault_of(node: str, error: Exception, message: Message | None) -> Fault:
    """The fault that an exception makes; a plate text that stands in the error's words is masked."""
    words = in_one_line(f"{type(error).__name__}: {error}")
    trace = "".join(traceback.format_exception(error))
    return Fault(_veiled(words, message), message, node=node, trace=_veiled(trace, message))


def _veiled(words: str, message: Message | None) -> str:
    """Words without the plate that the message tells of, itself or by the read in it."""
    read = getattr(message, "read", message)
    for text in (getattr(read, "text", ""), getattr(read, "raw", "")):
        if isinstance(text, str) and text:
            words = words.replace(text, masked(text))
    return words


@dataclass(frozen=True, slots=True)
class Trouble:
    """A fault as it is remembered for those who look on: without its message, which may hold a whole frame."""

    time: datetime
    node: str
    error: str
    camera: str
    frame: int | None
    file: str
    trace: str


def trouble_of(fault: Fault) -> Trouble:
    """What is remembered of a fault."""
    stamp = stamp_of(fault)
    camera, frame = (stamp.camera, stamp.number) if stamp else ("", None)
    return Trouble(datetime.now(timezone.utc), fault.node, fault.error, camera, frame, fault.source, fault.trace)


def report(fault: Fault, *, resting: bool = False) -> None:
    """Write a fault to the log, with the frame it is about; a message kept from a resting node only in detail."""
    stamp = stamp_of(fault)
    about: dict[str, Any] = {"camera": stamp.camera, "frame": stamp.number} if stamp else {}  # Any: log values
    if fault.source:
        about["file"] = fault.source
    write = log.debug if resting else log.error
    write("node failed", extra={"node": fault.node, "error": fault.error, **about})
    if fault.trace:
        log.debug("trace", extra={"node": fault.node, "trace": fault.trace})


class Breaker:
    """Decides when a node that keeps failing rests, and when it is tried again."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._streak = 0
        self._rest = 0.0
        self._until = 0.0

    def failed(self) -> float:
        """Count an error; seconds to rest from now, or 0 for none."""
        self._streak += 1
        if self._streak < TRIP_AFTER:
            return 0.0
        self._rest = min(max(1.0, self._rest * 2), LONGEST_REST)
        self._until = self._clock() + self._rest
        return self._rest

    def worked(self) -> None:
        """Count a success: all is forgiven."""
        self._streak, self._rest, self._until = 0, 0.0, 0.0

    def resting(self) -> float:
        """Seconds left to rest; 0 when the node may be tried."""
        return max(0.0, self._until - self._clock())


class DeadLetters:
    """A bounded file of the messages that failed and that no node caught, one JSON object a line.

    It holds plate texts, so that a read can be recovered; hence only its owner may read it, and it forgets by age.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._lock = threading.Lock()
        self._failed = False
        self._next_sweep = 0.0

    def sweep(self, now: datetime | None = None) -> None:
        """Erase what failed too long ago; called without a time, it looks once in a while. Trouble is logged."""
        if now is None and monotonic() < self._next_sweep:
            return
        self._next_sweep = monotonic() + SWEEP_EVERY
        oldest = ((now or datetime.now(timezone.utc)) - DEAD_LETTERS_STAY).isoformat()
        with self._lock:
            for path in (self.path, self._put_aside):
                try:
                    if _begins_before(path, oldest):
                        erase_lines(path, lambda line: _failed_at(line) >= oldest)
                except (OSError, SetupError) as error:
                    log.error("dead letters cannot be erased", extra={"path": str(path), "error": str(error)})

    @property
    def _put_aside(self) -> Path:
        return self.path.with_suffix(self.path.suffix + ".1")

    def add(self, fault: Fault) -> None:
        """Append a fault. If that fails too (the disk is full), say so once in the log and count on."""
        try:
            record = fault.record()
        except Exception as error:  # Of a third party's message; the fault itself must not be lost for it.
            record = {"type": "Fault", "node": fault.node, "error": fault.error, "record": str(error)}
        record["failed"] = datetime.now(timezone.utc).isoformat()
        line = json.dumps(record, ensure_ascii=False, default=str) + "\n"
        with self._lock:
            self.count += 1
            try:
                self._append(line.encode("utf-8", "backslashreplace"))  # File names need not be UTF-8.
                self._failed = False
            except OSError as error:
                if not self._failed:
                    log.error("dead letters cannot be written", extra={"path": str(self.path), "error": str(error)})
                self._failed = True

    def _append(self, line: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.path.exists() and self.path.stat().st_size + len(line) > DEAD_LETTERS_HOLD:
            self.path.replace(self._put_aside)
        file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(file, line)
        finally:
            os.close(file)


def _begins_before(path: Path, time: str) -> bool:
    """Whether the first of a file's letters, which is the oldest, failed before that time."""
    if not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        first = file.readline()
    return bool(first) and _failed_at(first) < time


def _failed_at(line: str) -> str:
    """The time (UTC, ISO 8601) at which a letter's message failed; of one that does not tell, long ago."""
    return str(record_of_line(line).get("failed", ""))
