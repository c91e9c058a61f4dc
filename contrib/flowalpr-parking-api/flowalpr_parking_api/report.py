"""The node `report_sessions`: tells the provider when a stay begins and ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowalpr import Exposure, ParkingSession
from flowalpr.delivery import Outgoing
from flowalpr_parking_api.provider import ProviderNode

if TYPE_CHECKING:
    from flowalpr_parking_api.courier import SessionCourier


class ReportSessions(Outgoing, ProviderNode):
    """Start a parking session at the provider when a car comes in, and stop it when it has left.

    Put it behind `sessions`. Each session is told in the order in which things happened, under an idempotency key, and
    waits in a queue on disk while the provider is away, also over restarts. What the provider refuses for good becomes
    an error of this node, and the next session follows.
    """

    site: str = ""
    """The car park, as the provider knows it."""

    def process(self, session: ParkingSession) -> None:  # type: ignore[override]  # A node takes what its hint says.
        super().process(session)

    def destination(self) -> Exposure:
        return self.sending()

    def courier(self) -> SessionCourier:
        from flowalpr_parking_api.courier import SessionCourier

        return SessionCourier(self, self.opened_queue)
