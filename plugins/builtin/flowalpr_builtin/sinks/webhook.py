"""Sends events to a web address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowalpr import Exposure
from flowalpr.delivery import HttpNode, Outgoing

if TYPE_CHECKING:
    from flowalpr_builtin.sinks.webhook_courier import WebhookCourier


class Webhook(Outgoing, HttpNode):
    """Send each message as JSON by POST to a web address, one after the other.

    What the JSON holds and how its signature is checked is said in docs/events.md. While the server is away, says
    that it is busy (429) or has failed (5xx), refuses the token or does not know the address (401, 403, 404), events
    wait in a queue on disk, also over restarts. An event that the server refuses for good (any other 4xx) becomes an
    error, and the next one follows. An event may come twice, if the server's answer is lost; its id is then the same.
    """

    def destination(self) -> Exposure:
        return self.sending()

    def courier(self) -> WebhookCourier:
        from flowalpr_builtin.sinks.webhook_courier import WebhookCourier

        return WebhookCourier(self, self.opened_queue)
