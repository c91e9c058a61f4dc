"""Ctrl-C while a network learns: the step that has begun is finished, and nothing of it is lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def asked_to_stop() -> Iterator[threading.Event]:
    """An event that is set once Ctrl-C or SIGTERM asks for an end; a second one ends at once.

    Only the main thread hears signals; elsewhere the event is never set.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def halt(number: int, _: FrameType | None) -> None:
        asked.set()
        signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, halt)
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
