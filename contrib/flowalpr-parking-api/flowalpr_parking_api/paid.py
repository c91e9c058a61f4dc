"""The node `paid`: which cars have paid and may leave."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, PrivateAttr

from flowalpr import END_OF_TIME, Duration, Fault, Passage, PlateRead
from flowalpr.delivery import AwayError
from flowalpr_parking_api.provider import ProviderNode, ask

if TYPE_CHECKING:
    from flowalpr.delivery.http import Door


class Paid(ProviderNode):
    """Pass on each car that has paid, as soon as it has: for `barrier`.

    The provider is asked again every `every` while the car waits, so a driver who pays by telephone in front of the
    barrier gets out. A car is forgotten after `patience`, or when the next one comes to its camera. That the provider
    is away is an error, told once; `when_away` says what becomes of the cars meanwhile.
    """

    heavy: ClassVar[bool] = True

    every: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=3)
    """How often the provider is asked about a car that waits."""
    patience: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(minutes=2)
    """For how long."""
    when_away: Literal["hold", "pass"] = "hold"
    """Whether cars are held back or passed on while the provider does not answer."""
    timeout: Annotated[Duration, Field(gt=timedelta(0), le=timedelta(minutes=5))] = timedelta(seconds=2)
    """For how long the provider may take for its answer; a car waits meanwhile."""

    _door: Door | None = None
    _waiting: dict[str, tuple[PlateRead, datetime, datetime]] = PrivateAttr(default_factory=dict)
    """By camera: the car, since when it waits, and when was asked last."""
    _trouble: str = ""
    _faults: list[Fault] = PrivateAttr(default_factory=list)

    def open(self) -> None:
        self._door = self.door()

    def process(self, read: PlateRead) -> PlateRead | None:
        if not read.text or (isinstance(read, Passage) and read.stage != "final"):
            return None
        if self._may_leave(read):
            self._waiting.pop(read.stamp.camera, None)
            return read
        self._waiting[read.stamp.camera] = read.detached(), read.stamp.time, read.stamp.time
        return None

    def due(self, now: datetime) -> Iterator[PlateRead | Fault]:
        for camera, (read, since, asked) in list(self._waiting.items()):
            # Distances in time: a clock that is set back must not make a car wait for an hour.
            if now == END_OF_TIME or abs(now - since) >= self.patience:
                del self._waiting[camera]
                self.tally("not paid")
            elif abs(now - asked) >= self.every:
                self._waiting[camera] = read, since, now
                if self._may_leave(read):
                    del self._waiting[camera]
                    yield read
        yield from self._faults
        self._faults.clear()

    def close(self) -> None:
        if self._door is not None:
            self._door.close()

    def _may_leave(self, read: PlateRead) -> bool:
        try:
            has_paid = self._door is not None and self._answer(self._door, read.text)
        except AwayError as away:
            self._tell(f"{self.origin} {away}")
            if self.when_away == "pass":
                self.tally("passed unasked")
            return self.when_away == "pass"
        self._trouble = ""
        if has_paid:
            self.tally("paid")
        return has_paid

    def _answer(self, door: Door, plate: str) -> bool:
        answer = ask(door, f"{self.url}/paid", {"plate": plate})
        found = answer.record().get("paid")
        if answer.status >= 400 or not isinstance(found, bool):
            raise AwayError(f"answers {answer.status} without saying whether the car has paid")
        return found

    def _tell(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._faults.append(Fault(trouble))
        self._trouble = trouble
