"""What the sinks share that send over a network."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from flowalpr.events import Erasure
from flowalpr.exposure import Exposure
from flowalpr.messages import END_OF_TIME, Fault, Message
from flowalpr.node import Node
from flowalpr.settings import Duration
from flowalpr.subject import Subject

if TYPE_CHECKING:
    from flowalpr.delivery.courier import Courier
    from flowalpr.delivery.outbox import Outbox

READS_AN_EVENT = 500
"""Ids of reads in one event that tells of an erasure, some 18 kB."""


class Outgoing(Node):
    """A sink with a queue on disk. Derive, add settings, and say by `courier` and `destination` where events go."""

    model_config = ConfigDict(
        hide_input_in_errors=True
    )  # A URL may hold a token, a password may stand where none should.

    heavy: ClassVar[bool] = True

    queue: Path | None = None
    """Folder of the queue, for this node alone; without it, one in flowalpr's state folder (`$FLOWALPR_STATE`)."""
    keep: Annotated[int, Field(ge=1, le=10_000_000)] = 100_000
    """How many events may wait, some 1 kB of disk each."""
    age: Annotated[Duration, Field(gt=timedelta(0))] | None = None
    """For how long an event may wait before it is dropped; without it, for ever."""
    when_full: Literal["drop_oldest", "refuse"] = "drop_oldest"
    """What happens when `keep` events wait: the oldest is dropped, or the new one is refused, which is an error."""

    _courier: Courier | None = None

    def exposes(self) -> tuple[Exposure, ...]:
        fault = "" if self.age else "events may wait there, unsealed, for ever"
        queue = f"events that wait to be sent by {self.name}"
        return (self.destination(), Exposure("kept", queue, fault, "age: 1 d", "age", self.age))

    def open(self) -> None:
        self._courier = self.courier()
        self._courier.open()

    def process(self, message: Message) -> None:
        if self._courier is not None:
            self._courier.accept(message)

    def due(self, now: datetime) -> list[Fault]:
        if self._courier is None:
            return []
        if now == END_OF_TIME:
            self._courier.finish()
        return self._courier.settle()

    def close(self) -> None:
        if self._courier is not None:
            self._courier.close()
            self._courier = None

    def backlog(self) -> int:
        return self._courier.waiting() if self._courier is not None else 0

    def known_of(self, subject: Subject) -> list[dict[str, Any]]:  # Any: the values that JSON has
        from flowalpr.delivery.forgetting import events_about

        return [{"waits to be sent": record} for _, record in events_about(self._folder(), subject)]

    def forget(self, subject: Subject) -> int:
        """Erase waiting events, and leave one that tells the receiver what to erase."""
        from flowalpr.delivery.forgetting import events_about, forget_events
        from flowalpr.delivery.outbox import event_of

        gone = [number for number, _ in events_about(self._folder(), subject)]
        if gone:
            forget_events(self._folder(), self.name, gone)
        reads = sorted(subject.ids)
        if reads:
            outbox = self.opened_queue()
            try:
                for start in range(0, len(reads), READS_AN_EVENT):
                    some = tuple(reads[start : start + READS_AN_EVENT])
                    outbox.add(*event_of(Erasure(some, datetime.now(timezone.utc)).record()))
            finally:
                outbox.close()
        return len(gone)

    def destination(self) -> Exposure:
        """What sending events means for the plates in them."""
        raise NotImplementedError

    def courier(self) -> Courier:
        """What brings the events of this node from its queue to the other side; made when the node is opened.

        Raises:
            SetupError: a secret or a certificate is missing.
        """
        raise NotImplementedError

    def opened_queue(self) -> Outbox:
        """The queue, opened; for the courier, which does so when its time has come."""
        from flowalpr.delivery.outbox import Outbox

        return Outbox(self._folder(), self.name, self.keep, self.age, self.when_full)

    def _folder(self) -> Path:
        return self.queue.expanduser() if self.queue else self.home
