"""The thread of a source: it reads, and opens a live source anew when that fails, is paused or is restarted."""

from __future__ import annotations

import random
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from time import monotonic
from typing import Any

from flowalpr.engine.faults import FlowStopped, log
from flowalpr.engine.segment import Segment
from flowalpr.engine.step import Step
from flowalpr.engine.worker import Worker
from flowalpr.messages import Fault, Frame, Message
from flowalpr.telemetry.camera import CameraWatch

LONGEST_RETRY = 60.0
"""Seconds between two tries to reopen a live source; they grow 1, 2, 4 ... up to this."""
LOOK_EVERY = 0.5
"""Seconds between two looks whether it is back before its pause is over."""


class SourceWorker(Worker):
    """Runs one source, and opens it anew when a live one fails."""

    def __init__(self, segment: Segment, failed: Callable[[BaseException], None], iterate: Any) -> None:
        super().__init__(segment, failed)
        (self._step,) = segment.steps
        # Any: what a source yields
        self._iterate: Callable[[AsyncIterator[Any], threading.Event], Iterator[Any]] = iterate
        self._live = self._step.node.is_live()
        self._tries = 0
        self._over = False
        """Whether it is to end; `stopping` alone may also mean that a live source is to let go for a pause."""
        self._again = False
        self.watch = CameraWatch()
        """What comes of it, if it gives frames."""
        self.gave_up = False
        """Whether the source ended by an error: a recording that could not be read to its end."""

    def stop(self) -> None:
        self._over = True  # Before `stopping` is set, which a pause that ends takes back.
        super().stop()

    def hold(self) -> None:
        """Pause it: a live source lets go of its camera meanwhile, a recording stands still."""
        super().hold()
        if self._live:
            self.stopping.set()

    def restart(self, step: Step) -> Future[None]:
        """Close and open it; a recording begins anew."""
        done = self.reins.send(self._begin_anew)
        if self._live:
            self.stopping.set()
        return done

    def _begin_anew(self) -> None:
        self._again = True

    def _work(self) -> None:
        while not self._over:
            try:
                if self.stopping.is_set() or self._again:
                    self._rest()
                    continue
                self._read()
                if not (self.stopping.is_set() or self._again):
                    break
            except FlowStopped:
                raise
            except Exception as error:
                self._step.failed(error, None)
                if not self._live:
                    self.gave_up = True
                    break
                self._reopen(error)

    def _rest(self) -> None:
        """Let go of what the source holds, wait for as long as it is paused, and open it."""
        step = self._step
        step.settled(step.node.close())
        self._obey()
        self._again = False
        self.stopping.clear()
        if self._over:
            self.stopping.set()
            return
        self.watch.connects()
        step.settled(step.node.open())
        step.meter.state = "running"

    def _read(self) -> None:
        step = self._step
        messages: Any = step.node.process()  # type: ignore[attr-defined]  # Each node declares its own.
        if isinstance(messages, AsyncIterator):
            messages = self._iterate(messages, self.stopping)
        elif isinstance(messages, Message) or messages is None:
            messages = iter(() if messages is None else (messages,))
        try:
            for message in messages:
                if self.stopping.is_set():
                    return
                self._send(step, message)
                if self._again:
                    return
        finally:
            close = getattr(messages, "close", None)
            if close is not None:
                close()

    def _send(self, step: Step, message: Message) -> None:
        if isinstance(message, Fault) and not isinstance(message, step.gives):
            step.fault(Fault(message.error, message.message, step.name, message.source, message.trace))
            return
        if not isinstance(message, step.gives):
            raise TypeError(f"process gave {type(message).__name__}, which its type hint does not promise")
        if isinstance(message, Frame):
            message.image.setflags(write=False)  # From here on nobody may change it, so nobody need copy it.
            self.watch.came(message.width, message.height)
        self._tries = 0
        step.meter.taken += 1
        step.meter.given += 1
        if self.reins.pulled and not self._live:
            self._obey()
        if not self._flowing.is_set():
            self._flowing.wait()
        with self._sending:
            for wire in step.wires:
                wire.put(message)

    def _reopen(self, error: Exception) -> None:
        """Close, wait 1, 2, 4 ... 60 s (each up to a fifth longer, so that cameras do not return in step), open.

        One that is seen to be back is opened at once.
        """
        step = self._step
        while not self.stopping.is_set():
            pause = min(2.0**self._tries, LONGEST_RETRY) * random.uniform(1.0, 1.2)  # noqa: S311  # No secret.
            self._tries += 1
            self.watch.retries(pause, str(error))
            log.info("reopening", extra={"node": step.name, "in_seconds": round(pause, 1)})
            try:
                step.settled(step.node.close())
                self._pause(pause)
                if self.stopping.is_set():
                    return
                self.watch.connects()
                step.settled(step.node.open())
                return
            except Exception as another:
                error = another
                step.failed(error, None)

    def _pause(self, seconds: float) -> None:
        node, until = self._step.node, monotonic() + seconds
        while (left := until - monotonic()) > 0 and not node.wait(min(left, LOOK_EVERY)):
            if left > LOOK_EVERY and node.is_back():
                self._tries = 0
                return
