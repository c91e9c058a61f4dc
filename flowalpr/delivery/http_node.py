"""How to reach a web server: the settings that all nodes share which do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, field_validator

from flowalpr.exposure import Exposure, on_this_machine
from flowalpr.findings import Finding
from flowalpr.node import Node
from flowalpr.settings import Duration, Secret

if TYPE_CHECKING:
    from flowalpr.delivery.http import Door


class HttpNode(Node):
    """A node that speaks with a web server. Derive, and ask it by the `door`."""

    model_config = ConfigDict(hide_input_in_errors=True)  # A URL may hold a token.

    url: str
    """Where to send, `https://host/path`; only the host is ever shown."""
    token: Secret | None = None
    """Sent as `Authorization: Bearer ...`, if the server wants that."""
    secret: Secret | None = None
    """Key of the signature by which the server knows that a request is ours; any text, or `whsec_` and base64."""
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

    def exposes(self) -> tuple[Exposure, ...]:
        return (self.sending(),)

    def sending(self) -> Exposure:
        """What sending to the server means for plates."""
        parts = urlsplit(self.url)
        where = f"the web server {parts.hostname}"
        if parts.scheme == "https" or on_this_machine(parts.hostname or ""):
            return Exposure("sent", where)
        return Exposure("sent", where, "it is not encrypted", "begin the address with https://", "url")

    def examine(self) -> Iterator[Finding]:
        door = self.door()
        try:
            yield door.examined(self.origin)
        finally:
            door.close()

    def door(self) -> Door:
        """The way to the server, not connected yet.

        Raises:
            SetupError: a secret or a certificate is missing, or of no use.
        """
        from flowalpr.delivery.http import Door

        return Door(self)
