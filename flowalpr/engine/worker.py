"""The threads of a running flow: one for each segment, and one for each source."""

from __future__ import annotations

import random
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from time import monotonic
from typing import Any

from flowalpr.engine.clock import IDLE, Clock
from flowalpr.engine.faults import FlowStopped, log
from flowalpr.engine.segment import NotOpenedError, Segment
from flowalpr.engine.step import Entry, Step
from flowalpr.engine.wire import Inbox, Wire
from flowalpr.messages import Fault, Frame, Message
from flowalpr.telemetry.camera import CameraWatch

LONGEST_RETRY = 60.0
"""Seconds between two tries to reopen a live source; they grow 1, 2, 4 ... up to this."""


class Worker:
    """A thread that opens a segment, waits for `go`, runs it to the end of its input, and closes it."""

    def __init__(self, segment: Segment, failed: Callable[[BaseException], None]) -> None:
        self.segment = segment
        self.stopping = threading.Event()
        """Set to make a source stop; everything behind it then ends by itself."""
        self.open_error: BaseException | None = None
        self.ended = False
        """Whether no message will ever come out of it again."""
        self._failed = failed
        self._opened = threading.Event()
        self._go = threading.Event()
        self._sending = threading.Lock()
        """Held while messages are dealt with, so that wires are never changed in the middle of one."""
        self._flowing = threading.Event()
        self._flowing.set()
        self._aborted = False
        self._thread = threading.Thread(target=self._run, name=f"flow {segment.name}", daemon=True)

    def open(self, halted: threading.Event) -> None:
        """Start the thread and wait until its nodes are open.

        Raises:
            NotOpenedError: if one cannot be opened, or `halted` is set before all are.
        """
        self._thread.start()
        while not self._opened.wait(0.1):
            if halted.is_set():
                raise NotOpenedError(f"stopped before node '{self.segment.name}' was open")
        if self.open_error is not None:
            raise self.open_error

    def go(self) -> None:
        """Let messages flow."""
        self._go.set()

    def stop(self) -> None:
        """Make a source stop; what is behind it then ends by itself."""
        self.stopping.set()
        self._go.set()

    def abort(self) -> None:
        """End at once, without draining: what waits is dropped. Before `go`, nodes are closed without having run."""
        self._aborted = True
        self.stop()
        for wire in self.wires():
            wire.cut()

    def join(self, seconds: float) -> bool:
        """Wait for the end; False if it did not come in that time."""
        self._thread.join(max(0.0, seconds))
        return not self._thread.is_alive()

    @property
    def running(self) -> bool:
        """Whether the thread is at work."""
        return self._thread.is_alive()

    @property
    def held_back(self) -> bool:
        """Whether it has been paused."""
        return not self._flowing.is_set()

    def busy_for(self) -> float:
        """Seconds that it has been dealing with one message, waiting for room behind it included; 0 if with none."""
        return 0.0

    def wires(self) -> list[Wire[Entry]]:
        """All wires that leave this segment."""
        found = [wire for step in self.segment.steps for wire in step.wires]
        return found + [step.caught_by for step in self.segment.steps if step.caught_by is not None]

    def pause(self, seconds: float) -> bool:
        """Hold back the next message, for a change of wires; False if the one being dealt with takes too long."""
        self._flowing.clear()  # Else it could take the lock again before we get it.
        return self._sending.acquire(timeout=seconds)

    def resume(self) -> None:
        """Let messages flow again; if the thread has ended meanwhile, nothing will come along its new wires."""
        if self.ended:
            self._close_wires()
        self._flowing.set()
        self._sending.release()

    def go_on(self) -> None:
        """Take a pause back that never came about."""
        self._flowing.set()

    def _run(self) -> None:
        try:
            self.segment.open()
        except BaseException as error:  # Handed to the thread that waits in `open`.
            self.open_error = error
            return
        finally:
            self._opened.set()
        self._go.wait()
        try:
            if not self._aborted:
                self._work()
        except BaseException as error:  # `on_error: stop`, or a fault of the engine itself: never die in silence.
            self._failed(error)
        try:
            self.segment.close()
        except BaseException as error:
            self._failed(error)
        finally:
            with self._sending:
                self.ended = True
                self._close_wires()

    def _close_wires(self) -> None:
        for wire in self.wires():
            wire.close()

    def _work(self) -> None:
        raise NotImplementedError


class SegmentWorker(Worker):
    """Runs a segment that receives."""

    def __init__(self, segment: Segment, failed: Callable[[BaseException], None], clock: Clock) -> None:
        super().__init__(segment, failed)
        self.inbox: Inbox[Entry] = Inbox()
        self._clock = clock
        self._busy_since: float | None = None

    def busy_for(self) -> float:
        since = self._busy_since
        return 0.0 if since is None else monotonic() - since

    def _work(self) -> None:
        try:
            self._take(self.segment.keeps_time())
        finally:
            self.inbox.cut()  # Whoever still sends, after a failure or an abort, must not wait for ever.
        with self._sending:
            self.segment.finish()

    def _take(self, keeps_time: bool) -> None:
        while not self._aborted:
            try:
                arrived = self.inbox.next(self._clock.wait() if keeps_time else IDLE)
            except EOFError:
                break
            if not self._flowing.is_set():
                self._flowing.wait()
            with self._sending:
                self._busy_since = monotonic()
                message = arrived[1] if arrived else None
                # Time passes before the message is dealt with: in a recording it may have stood still for long.
                now = self._clock.tick(message) if keeps_time else None
                if now is not None:
                    self.segment.due(now)
                if arrived is not None:
                    self.segment.handle(*arrived)
                self._busy_since = None


class SourceWorker(Worker):
    """Runs one source, and opens it anew when a live one fails."""

    def __init__(self, segment: Segment, failed: Callable[[BaseException], None], iterate: Any) -> None:
        super().__init__(segment, failed)
        (self._step,) = segment.steps
        self._iterate: Callable[[AsyncIterator[Any]], Iterator[Any]] = iterate  # Any: what a source yields
        self._live = self._step.node.is_live()
        self._tries = 0
        self.watch = CameraWatch()
        """What comes of it, if it gives frames."""
        self.gave_up = False
        """Whether the source ended by an error: a recording that could not be read to its end."""

    def _work(self) -> None:
        while not self.stopping.is_set():
            try:
                self._read()
                break
            except FlowStopped:
                raise
            except Exception as error:
                self._step.failed(error, None)
                if not self._live:
                    self.gave_up = True
                    break
                self._reopen(error)

    def _read(self) -> None:
        step = self._step
        messages: Any = step.node.process()  # type: ignore[attr-defined]  # Each node declares its own.
        if isinstance(messages, AsyncIterator):
            messages = self._iterate(messages)
        elif isinstance(messages, Message) or messages is None:
            messages = iter(() if messages is None else (messages,))
        try:
            for message in messages:
                if self.stopping.is_set():
                    return
                self._send(step, message)
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
        if not self._flowing.is_set():
            self._flowing.wait()
        with self._sending:
            for wire in step.wires:
                wire.put(message)

    def _reopen(self, error: Exception) -> None:
        """Close, wait 1, 2, 4 ... 60 s (each up to a fifth longer, so that cameras do not return in step), open."""
        step = self._step
        while not self.stopping.is_set():
            pause = min(2.0**self._tries, LONGEST_RETRY) * random.uniform(1.0, 1.2)  # noqa: S311  # No secret.
            self._tries += 1
            self.watch.retries(pause, str(error))
            log.info("reopening", node=step.name, in_seconds=round(pause, 1))
            try:
                step.settled(step.node.close())
                if step.node.wait(pause):
                    return
                self.watch.connects()
                step.settled(step.node.open())
                return
            except Exception as another:
                error = another
                step.failed(error, None)
