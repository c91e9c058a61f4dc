"""A connection to the door that can be cut, and that is cut if nothing is asked of it."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_WITHIN = 10.0
"""Seconds in which whoever connects must have said what he wants."""


class Connection(H11Protocol):
    """uvicorn's, with its transport within reach of streams, which drop whoever stops reading."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # As uvicorn's own.
        """Take a new connection."""
        state: dict[str, Any] = {**self.app_state, "transport": transport}  # Any: what an ASGI scope holds
        self.app_state = state
        super().connection_made(transport)
        self.loop.call_later(REQUEST_WITHIN, self._expect_request)

    def _expect_request(self) -> None:
        if self.scope is None and self.transport.get_protocol() is self:
            self.transport.abort()
