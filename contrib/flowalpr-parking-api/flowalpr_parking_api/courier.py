"""Puts a parking session into a request of the provider's API."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote

from flowalpr.delivery.http import HttpCourier, Request
from flowalpr.delivery.outbox import Event, Outbox
from flowalpr_parking_api.provider import encoded

if TYPE_CHECKING:
    from flowalpr_parking_api.report import ReportSessions


class SessionCourier(HttpCourier):
    """Brings sessions to the provider, one after the other; trying again, rests and words come with `HttpCourier`."""

    def __init__(self, settings: ReportSessions, queue: Callable[[], Outbox]) -> None:
        """As in `HttpCourier`."""
        super().__init__(settings, queue)
        self._url, self._site = settings.url, settings.site

    def request(self, event: Event) -> Request | None:
        told = event.record()
        if told["type"] != "ParkingSession":
            return None  # Reads were erased here; what the provider keeps of a session is between it and the driver.
        url = f"{self._url}/sessions/{quote(told['id'], safe='')}"
        about = {"plate": told["text"], "site": self._site, "camera": told["camera"], "entered": told["entered"]}
        if told["state"] == "open":
            return Request(event.event, url, encoded(about), "PUT")
        ended = {**about, "left": told["left"], "how": told["state"]}
        return Request(event.event, f"{url}/stop", encoded(ended), "PUT")
