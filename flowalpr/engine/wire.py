"""The way of messages from one thread to another: bounded, and either waiting or dropping its oldest.

Everything waits; only a live source drops. The buffer belongs to the wire, not to the receiving node: with one inbox
a node, a live camera would throw away messages of a recording that feeds the same node.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from time import monotonic_ns
from typing import Generic, TypeVar

from flowalpr.messages import Message, stamp_of

E = TypeVar("E")


class Inbox(Generic[E]):
    """Where the wires into one thread meet. `E` is what a wire leads to there: the steps that receive."""

    def __init__(self) -> None:
        self._rung: SimpleQueue[Wire[E]] = SimpleQueue()
        self._wires: list[Wire[E]] = []
        """Those that are open."""
        self._lock = threading.Lock()

    def attach(self, entry: E, *, holds: int, drops: bool = False) -> Wire[E]:
        """A new wire into this thread."""
        wire: Wire[E] = _Latest(self.ring, entry) if drops else _Waiting(self.ring, entry, holds)
        with self._lock:
            self._wires.append(wire)
        return wire

    def cut(self) -> None:
        """Set all senders free, because nothing is taken any more: the thread has failed."""
        with self._lock:
            for wire in self._wires:
                wire.cut()

    def ring(self, wire: Wire[E]) -> None:
        """Tell the thread that a wire holds one more message, or has been closed."""
        self._rung.put(wire)

    def next(self, seconds: float | None) -> tuple[E, Message] | None:
        """The next message and where it leads, in the order of arrival; None if none came in that time.

        Raises:
            EOFError: if every wire is closed and empty.
        """
        while True:
            try:
                wire = self._rung.get(timeout=seconds)
            except Empty:
                return None
            message = wire.take()
            if message is not None:
                return wire.entry, message
            with self._lock:
                self._wires.remove(wire)
                if not self._wires:
                    raise EOFError


class Wire(Generic[E]):
    """A wire from one sending thread to one receiving thread."""

    holds: int

    def __init__(self, ring: Callable[[Wire[E]], None], entry: E) -> None:
        self._ring = ring
        self._closed = False
        self.entry = entry
        self.passed = 0
        self.dropped = 0
        self.blocked = 0
        self.peak = 0
        self.age = 0
        """Nanoseconds that the last message taken had waited."""
        self.oldest = 0

    def put(self, message: Message) -> None:
        """Send a message; called by the sending thread alone."""
        raise NotImplementedError

    def take(self) -> Message | None:
        """The message that waited longest, or None if the wire was closed; called once for each ring."""
        raise NotImplementedError

    def waiting(self) -> int:
        """How many messages wait."""
        raise NotImplementedError

    def close(self) -> None:
        """No more will be sent; what waits is still taken. Closing twice is closing once."""
        if not self._closed:
            self._closed = True
            self._ring(self)

    def cut(self) -> None:
        """Set a waiting sender free at once; from now on, messages are dropped. For a stop that does not drain."""

    def _taken(self, sent: int) -> None:
        self.age = monotonic_ns() - sent
        self.oldest = max(self.oldest, self.age)
        self.passed += 1


class _Waiting(Wire[E]):
    """Makes the sender wait while it is full, so that nothing is lost and delay stays bounded."""

    def __init__(self, ring: Callable[[Wire[E]], None], entry: E, holds: int) -> None:
        super().__init__(ring, entry)
        self.holds = holds
        self._messages: deque[tuple[int, Message]] = deque()
        self._room = threading.Condition()
        self._sender_waits = False
        self._cut = False

    def put(self, message: Message) -> None:
        if len(self._messages) >= self.holds:
            self._wait_for_room()
        if self._cut:
            self.dropped += 1
            return
        self._messages.append((monotonic_ns(), message))
        if len(self._messages) > self.peak:
            self.peak = len(self._messages)
        self._ring(self)

    def _wait_for_room(self) -> None:
        self.blocked += 1
        with self._room:
            self._sender_waits = True
            while len(self._messages) >= self.holds and not self._cut:
                self._room.wait()
            self._sender_waits = False

    def take(self) -> Message | None:
        if not self._messages:
            return None
        sent, message = self._messages.popleft()
        if self._sender_waits:
            with self._room:
                self._room.notify()
        self._taken(sent)
        return message

    def waiting(self) -> int:
        return len(self._messages)

    def cut(self) -> None:
        with self._room:
            self._cut = True
            self._room.notify()


class _Latest(Wire[E]):
    """Keeps the latest frame of each camera: a newer one takes the place, and the turn, of the one that waits."""

    holds = 1

    def __init__(self, ring: Callable[[Wire[E]], None], entry: E) -> None:
        super().__init__(ring, entry)
        self._latest: dict[str, tuple[int, Message]] = {}
        self._lock = threading.Lock()

    def put(self, message: Message) -> None:
        stamp = stamp_of(message)
        camera = stamp.camera if stamp else ""
        with self._lock:
            replaced = camera in self._latest
            self._latest[camera] = (monotonic_ns(), message)
            self.peak = max(self.peak, len(self._latest))
        if replaced:
            self.dropped += 1
        else:
            self._ring(self)

    def take(self) -> Message | None:
        with self._lock:
            if not self._latest:
                return None
            sent, message = self._latest.pop(next(iter(self._latest)))
        self._taken(sent)
        return message

    def waiting(self) -> int:
        return len(self._latest)
