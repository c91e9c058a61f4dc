"""The threads of a running flow, one for each segment; those of sources are in `source.py`."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from time import monotonic

from flowalpr.engine.clock import IDLE, Clock
from flowalpr.engine.reins import Reins
from flowalpr.engine.segment import Segment, StoppedError
from flowalpr.engine.step import Entry, Step
from flowalpr.engine.wire import Inbox, Wire


class Worker:
    """A thread that opens a segment, waits for `go`, runs it to the end of its input, and closes it."""

    def __init__(self, segment: Segment, failed: Callable[[BaseException], None]) -> None:
        self.segment = segment
        self.stopping = threading.Event()
        """Set to make a source stop; everything behind it then ends by itself."""
        self.open_error: BaseException | None = None
        self.ended = False
        """Whether no message will ever come out of it again."""
        self.reins = Reins()
        """By which it is paused and restarted from outside."""
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
            NotOpenedError: if one cannot be opened.
            StoppedError: `halted` is set before all are.
        """
        self._thread.start()
        while not self._opened.wait(0.1):
            if halted.is_set():
                raise StoppedError(f"stopped before node '{self.segment.name}' was open")
        if self.open_error is not None:
            raise self.open_error

    def go(self) -> None:
        """Let messages flow."""
        self._go.set()

    def stop(self) -> None:
        """Make a source stop; what is behind it then ends by itself."""
        self.stopping.set()
        self._go.set()
        self.reins.drop()

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
        return self.reins.held or not self._flowing.is_set()

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

    def hold(self) -> None:
        """Pause it, for as long as whoever looks on wants; its wires fill, and then their senders wait or drop."""
        self.reins.hold()

    def restart(self, step: Step) -> Future[None]:
        """Close and open a node between two messages; what comes of it."""
        return self.reins.send(lambda: self.segment.restart(step))

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
            self.reins.drop()
            with self._sending:
                self.ended = True
                self._close_wires()

    def _obey(self) -> None:
        """Do what is asked from outside, between two messages."""
        before = [step.meter.state for step in self.segment.steps]
        if self.reins.held:
            for step in self.segment.steps:
                step.meter.state = "paused"
        self.reins.obey()
        for step, state in zip(self.segment.steps, before, strict=True):
            if step.meter.state == "paused":
                step.meter.state = state

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
            if self.reins.pulled:
                self._obey()
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
