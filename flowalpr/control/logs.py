"""The last lines of the log, kept for those who look on."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from flowalpr.masking import masked_record

KEPT = 1000
"""Lines, some 300 kB."""
_OF_EVERY_RECORD = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}

Line = dict[str, Any]  # Any: the values that JSON has


class LogKeeper(logging.Handler):
    """Keeps what is logged; a handler of the root logger."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._lines: deque[Line] = deque(maxlen=KEPT)
        self._tell: Callable[[Line], None] | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record."""
        try:
            line = _line(record)
        except Exception:  # As logging has it: what cannot be logged must not hurt who logs.
            self.handleError(record)
            return
        self._lines.append(line)
        if self._tell is not None:
            self._tell(line)

    def on_line(self, tell: Callable[[Line], None] | None) -> None:
        """Have each new line told, in the thread that logs; None to have none told any more."""
        self._tell = tell

    def lines(self, limit: int) -> list[Line]:
        """The last lines, the oldest first."""
        return list(self._lines)[-limit:]


def particulars(record: logging.LogRecord) -> dict[str, Any]:  # Any: log values
    """What the code that logged gave as `extra`, by name; only of flowalpr and its plugins, not of their libraries."""
    if not record.name.startswith("flowalpr"):
        return {}
    return {name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD}


def _line(record: logging.LogRecord) -> Line:
    """A record as plain values, with its particulars."""
    about = {key: _shown(value) for key, value in particulars(record).items()}
    line = {
        "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": record.getMessage(),
        **{key: value for key, value in about.items() if key not in ("time", "level", "logger", "event")},
    }
    if record.exc_info and record.exc_info[0] is not None:
        line["error"] = record.exc_info[0].__name__
    return line


def _shown(value: object) -> str:
    """A particular as text; the records of messages that `debug` logs, without their plates."""
    return str(masked_record(value) if isinstance(value, dict) else value)
