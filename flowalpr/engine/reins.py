"""Reins: by them a thread is held between two messages, and sent on errands there, from outside the flow."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future

from flowalpr.engine.segment import NotOpenedError


class Reins:
    """Of one thread, which looks at `pulled` between two messages and then calls `obey`; all else is for others."""

    def __init__(self) -> None:
        self.pulled = False
        """Whether there is anything to obey."""
        self.held = False
        self._dropped = False
        self._changed = threading.Condition()
        self._errands: deque[tuple[Callable[[], None], Future[None]]] = deque()

    def hold(self) -> None:
        """Let it wait from its next message on."""
        with self._changed:
            self.held = self.pulled = not self._dropped

    def release(self) -> None:
        """Let it go on."""
        with self._changed:
            self.held = False
            self._changed.notify()

    def send(self, errand: Callable[[], None]) -> Future[None]:
        """Have it do something between two messages; what comes of it."""
        done: Future[None] = Future()
        with self._changed:
            if self._dropped:
                done.set_exception(NotOpenedError("the node has ended"))
                return done
            self._errands.append((errand, done))
            self.pulled = True
            self._changed.notify()
        return done

    def drop(self) -> None:
        """Let it go on for ever, because it is to end; errands that were not begun come to nothing."""
        with self._changed:
            self._dropped = True
            self.held = False
            errands, self._errands = self._errands, deque()
            self._changed.notify()
        for _, done in errands:
            done.set_exception(NotOpenedError("the node has ended"))

    def obey(self) -> None:
        """Run the errands, and wait for as long as it is held; called by the thread itself."""
        while True:
            with self._changed:
                while self.held and not self._errands:
                    self._changed.wait()
                if not self._errands:
                    self.pulled = False
                    return
                errand, done = self._errands.popleft()
            try:
                errand()
                done.set_result(None)
            except Exception as error:  # Told to whoever sent it.
                done.set_exception(error)
