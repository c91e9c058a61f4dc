"""Brings events to a web address as they are."""

from __future__ import annotations

from collections.abc import Callable

from flowalpr.delivery import HttpNode
from flowalpr.delivery.http import HttpCourier, Request
from flowalpr.delivery.outbox import Event, Outbox


class WebhookCourier(HttpCourier):
    """The courier of a node `webhook`."""

    def __init__(self, settings: HttpNode, queue: Callable[[], Outbox]) -> None:
        """As in `HttpCourier`."""
        super().__init__(settings, queue)
        self._url = settings.url

    def request(self, event: Event) -> Request:
        return Request(event.event, self._url, event.payload.encode())
