"""Sends events to a web address."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from flowalpr import Duration, Exposure, Finding, Secret, on_this_machine
from flowalpr_builtin.sinks.outgoing import Outgoing

if TYPE_CHECKING:
    from flowalpr_builtin.sinks.webhook_courier import WebhookCourier


class Webhook(Outgoing):
    """Send each message as JSON by POST to a web address, one after the other.

    What the JSON holds and how its signature is checked is said in docs/events.md. While the server is away, says
    that it is busy (429) or has failed (5xx), refuses the token or does not know the address (401, 403, 404), events
    wait in a queue on disk, also over restarts. An event that the server refuses for good (any other 4xx) becomes an
    error, and the next one follows. An event may come twice, if the server's answer is lost; its id is then the same.
    """

    url: str
    """Where to send, `https://host/path`; only the host is ever shown."""
    token: Secret | None = None
    """Sent as `Authorization: Bearer ...`, if the server wants that."""
    secret: Secret | None = None
    """Key of the signature by which the server knows that an event is ours; any text, or `whsec_` and base64."""
    timeout: Annotated[Duration, Field(gt=timedelta(0), le=timedelta(minutes=5))] = timedelta(seconds=10)
    """For how long the server may take for its answer."""
    ca: Path | None = None
    """File with the certificate of the authority that signed the server's, if it is one of your own."""

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            whole = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 80) > 0
        except ValueError:
            whole = False
        if not whole:
            raise ValueError("an address such as https://host/path is expected")
        if "@" in parts.netloc:
            raise ValueError("user and password do not belong into the address: use `token`")
        return url

    @property
    def origin(self) -> str:
        """Scheme, host and port of the address: what may be shown."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    def _destination(self) -> Exposure:
        parts = urlsplit(self.url)
        where = f"the web server {parts.hostname}"
        if parts.scheme == "https" or on_this_machine(parts.hostname or ""):
            return Exposure("sent", where)
        return Exposure("sent", where, "it is not encrypted", "begin the address with https://", "url")

    def examine(self) -> Iterator[Finding]:
        from flowalpr_builtin.sinks.webhook_courier import examined

        yield examined(self)

    def _courier_for(self) -> WebhookCourier:
        from flowalpr_builtin.sinks.webhook_courier import WebhookCourier

        return WebhookCourier(self, self._outbox)
