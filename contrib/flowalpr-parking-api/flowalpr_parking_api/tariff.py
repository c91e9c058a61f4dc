"""The node `tariff`: what a stay costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from flowalpr import Message, ParkingSession, Stamp
from flowalpr.delivery import AwayError
from flowalpr_parking_api.provider import ProviderNode, ask

if TYPE_CHECKING:
    from flowalpr.delivery.http import Door


@dataclass(frozen=True, slots=True, eq=False)
class Charge(Message):
    """What a stay costs; a message of this plugin's own, which any node takes that takes `Message`."""

    session: ParkingSession
    amount: int
    """In the smallest unit of the currency: 350 are 3.50 EUR."""
    currency: str
    """ISO 4217."""

    @property
    def stamp(self) -> Stamp:
        """Of the exit."""
        return self.session.stamp

    def record(self) -> dict[str, Any]:  # Any: the values that JSON has
        """The session's record with the price."""
        return {**self.session.record(), "type": "Charge", "amount": self.amount, "currency": self.currency}


class Tariff(ProviderNode):
    """Ask the provider what each finished stay costs: for a display, `console` or `mqtt`.

    Put it behind `sessions`. A price is of use now or never, so there is no queue: if the provider does not answer
    within `timeout`, the session is an error of this node.
    """

    heavy: ClassVar[bool] = True

    _door: Door | None = None

    def open(self) -> None:
        self._door = self.door()

    def process(self, session: ParkingSession) -> Charge | None:
        if self._door is None or session.entered is None or session.left is None:
            return None
        stay = {"entered": session.entered.isoformat(), "left": session.left.isoformat()}
        try:
            answer = ask(self._door, f"{self.url}/tariff", stay)
            price = answer.record()
            charge = Charge(session, int(price["amount"]), str(price["currency"]))
        except AwayError as away:
            raise ConnectionError(f"{self.origin} {away}") from None
        except (KeyError, TypeError, ValueError):
            raise ConnectionError(f"{self.origin} answers {answer.status} without `amount` and `currency`") from None
        self.tally("priced")
        return charge

    def close(self) -> None:
        if self._door is not None:
            self._door.close()
