"""Wall time that never goes back, though somebody may set the computer's clock back while a flow runs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timezone

LAG = 0.1
"""After the clock was set back, time passes slower by this share, until the clock has caught up."""
TELL = 1.0
"""Seconds from which on a clock that was set back is worth a line in the log."""


class SteadyClock:
    """The time of the computer's clock (UTC): it follows each correction forwards at once, none backwards.

    Summer time and time zones do not matter to it. It may be asked by any thread.
    """

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        """`wall` gives seconds since 1970, which may jump; `steady` counts seconds and does not."""
        self._wall = wall
        self._steady = steady
        self._lock = threading.Lock()
        self._asked = steady()
        self._time = wall()
        self._told = False

    def now(self) -> datetime:
        """The time (UTC, aware)."""
        with self._lock:
            asked, wall = self._steady(), self._wall()
            self._time = max(wall, self._time + (1.0 - LAG) * (asked - self._asked))
            self._asked = asked
            ahead = self._time - wall
            tell, self._told = ahead > TELL and not self._told, ahead > TELL
            time_now = self._time
        if tell:
            logging.getLogger(__name__).warning(
                "the clock was set back by %.0f s: the time of frames goes on, %d %% slower until the clock has caught "
                "up; restart the flow to take the new time over at once",
                ahead,
                round(LAG * 100),
            )
        return datetime.fromtimestamp(time_now, timezone.utc)


_clock = SteadyClock()


def now() -> datetime:
    """The time (UTC, aware) that all live sources and all that waits for them share; it never goes back."""
    return _clock.now()
