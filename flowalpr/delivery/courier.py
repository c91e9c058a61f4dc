"""What brings events from an outbox to the other side: a thread that tries again until they are taken."""

from __future__ import annotations

import json
import logging
import os
import random
import sqlite3
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import monotonic
from typing import Any

from flowalpr.delivery.away import AwayError
from flowalpr.delivery.outbox import Event, Outbox, QueueTakenError, event_of
from flowalpr.errors import SetupError
from flowalpr.messages import Fault, Message

log = logging.getLogger(__name__)

LONGEST_REST = 30.0
"""Seconds between two tries at most: they grow 1, 2, 4 ..., each up to a third shorter, lest senders beat in step."""
STEADY = 60.0
"""Seconds of connection after which a break counts as the first."""
LINGER = 3.0
"""Seconds that a flow's end waits for what is still to be sent; the rest is sent after the next start."""
LAST_SECONDS = 1.0
"""For the farewell to the other side; whoever is in the middle of something else is left to it."""
TAKE_OVER = 10.0
"""Seconds that a redeployed node waits for the one it replaces to let go of the queue."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Refused(Message):
    """An event that the other side refuses for good; goes to the catch node or the dead letters with its payload."""

    payload: str

    def record(self) -> dict[str, Any]:  # Any: the values that JSON has
        """The payload as plain values."""
        record: dict[str, Any] = json.loads(self.payload)
        return record


class Courier(ABC):
    """A queue and the thread that empties it.

    Derive, and write `carry` and `wake`; `carry` says what became of each event by `delivered` or `give_up`. `open` to
    `close` are called by the node, in its thread.
    """

    def __init__(self, node: str, where: str, queue: Callable[[], Outbox]) -> None:
        """`where` names the other side in the log, without user, password or token; `queue` opens the queue."""
        self.stopping = threading.Event()
        """Set when the thread is to end."""
        self._node = node
        self._where = where
        self._queue = queue
        self._outbox: Outbox | None = None
        self._thread = threading.Thread(target=self._run, name=f"courier {node}", daemon=True)
        self._emptied = threading.Event()
        self._refused: deque[Fault] = deque()
        self._tries = 0
        self._trouble = ""

    def open(self) -> None:
        """Open the queue and begin to send what is in it.

        Raises:
            SetupError: the queue cannot be used.
        """
        try:
            self._begin()
        except QueueTakenError as taken:
            # A changed node is opened before the one that it replaces is closed, but gets its messages only afterwards.
            if taken.process != os.getpid() or taken.owner != self._node:
                raise

    def accept(self, message: Message) -> None:
        """Take a message into the queue.

        Raises:
            QueueFullError: there is no room.
        """
        outbox = self._taken_over()
        self._emptied.clear()
        outbox.add(*event_of(message.record()))
        self.wake()

    def waiting(self) -> int:
        """How many events are in the queue; may be called from any thread."""
        return self._outbox.waiting() if self._outbox is not None else 0

    def settle(self) -> list[Fault]:
        """What was refused for good since the last call; and whatever could not be written is tried again."""
        self._taken_over().save()
        return [self._refused.popleft() for _ in range(len(self._refused))]

    def finish(self) -> None:
        """Wait for a moment for what is still to be sent, unless the other side is away."""
        until = monotonic() + LINGER
        while self._taken_over().waiting() and not self._trouble and monotonic() < until:
            self._emptied.wait(0.1)

    def close(self) -> None:
        """End the thread; what was not sent stays in the queue."""
        self.stopping.set()
        if self._outbox is None:
            return
        self.wake()
        self._thread.join(LAST_SECONDS)
        waiting = self._outbox.waiting()
        if waiting:
            stay = "%s: %d events stay in the queue %s and are sent when the flow runs again"
            log.warning(stay, self._node, waiting, self._outbox.folder)
        self._outbox.close()

    @abstractmethod
    def carry(self) -> None:
        """Send events until `stopping` is set.

        Raises:
            AwayError: the other side is away; this is called again after a rest.
        """

    @abstractmethod
    def wake(self) -> None:
        """Make `carry` look for new events and at `stopping`; called from the node's thread."""

    def part(self) -> None:  # noqa: B027  # Nothing to let go of is fine.
        """Let go of what `carry` holds between two calls; called at the end."""

    def box(self) -> Outbox:
        """The queue."""
        if self._outbox is None:
            raise RuntimeError("the courier was not opened")
        return self._outbox

    def reached(self) -> None:
        """The other side is there again."""
        if self._trouble:
            log.warning("%s: %s is back; %d events wait", self._node, self._where, self.box().waiting())
        self._trouble = ""

    def delivered(self, numbers: Iterable[int]) -> None:
        """These events have been taken by the other side."""
        self.box().remove(numbers)
        self._tries = 0
        if not self.box().waiting():
            self._emptied.set()

    def give_up(self, event: Event, why: str) -> None:
        """Events that are refused for good become faults."""
        error = f"{self._where} refuses an event for good: {why}"
        self._refused.append(Fault(error, Refused(event.payload), node=self._node))
        self.delivered([event.number])

    def _begin(self) -> Outbox:
        self._outbox = self._queue()
        self._thread.start()
        return self._outbox

    def _taken_over(self) -> Outbox:
        """The queue; if it is still that of the node which this one replaces, once that has let go of it."""
        until = monotonic() + TAKE_OVER
        while self._outbox is None:
            try:
                return self._begin()
            except QueueTakenError:
                if monotonic() > until or self.stopping.wait(0.05):
                    raise
        return self._outbox

    def _run(self) -> None:
        try:
            self._carry_on()
        finally:
            self.part()

    def _carry_on(self) -> None:
        while not self.stopping.is_set():
            begun = monotonic()
            try:
                self.carry()
                continue
            except AwayError as error:
                away = error
            except SetupError as error:  # A secret's file has gone since the start.
                away = AwayError(f"is not served: {error.problem.what}")
            except sqlite3.Error as error:
                away = AwayError(f"is not served, for the queue cannot be read: {error}")
            except Exception as error:  # A mistake of ours: it must not end the sending in silence.
                log.debug("trace", exc_info=True)
                away = AwayError(f"is not served: {type(error).__name__}")
            if monotonic() - begun > STEADY:
                self._tries = 0
            self._rest(str(away), away.after)

    def _rest(self, why: str, after: float) -> None:
        if self.stopping.is_set():
            return
        pause = max(after, min(2.0**self._tries, LONGEST_REST) * random.uniform(0.67, 1.0))  # noqa: S311  # No secret.
        self._tries = min(self._tries + 1, 10)
        if why != self._trouble:
            wait = self.box().waiting()
            log.warning("%s: %s %s; %d events wait; next try in %.1f s", self._node, self._where, why, wait, pause)
        self._trouble = why
        self.stopping.wait(pause)
