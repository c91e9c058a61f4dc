"""Who comes in: nobody unknown, and nobody with more than he can carry."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, HTTPException
from fastapi.security import HTTPBearer
from starlette.requests import HTTPConnection

from flowalpr.control.tokens import Role, Tokens
from flowalpr.errors import FlowalprError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

LARGEST_BODY = 512_000
"""Bytes: a flow file has at most half of it."""
BODY_WITHIN = 15.0
"""Seconds in which each part of a body must come."""
OPEN_TO_ALL = "/health"
"""The one path that answers without a token."""


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody who was let in."""

    who: str
    """As the audit log names him."""
    role: Role
    origin: str
    """`local`, or the address he came from."""
    is_welcome: Callable[[], bool] = lambda: True
    """Whether he still may be here: a token may expire or be revoked while a stream is open."""

    @property
    def sees_plates(self) -> bool:
        """Whether plates are shown to him."""
        return self.role.may(Role.operator)


Admit = Callable[["Scope"], "Guest | None"]
"""Tells who a request comes from; None if that is not known."""


def of_this_machine(user: str) -> Admit:
    """Whoever can open the socket is the user of the flow (or root), who may do all."""
    guest = Guest(user, Role.admin, "local")
    return lambda _: guest


def with_token(tokens: Tokens) -> Admit:
    """Whoever brings a genuine token in `Authorization: Bearer ...`."""

    def admit(scope: Scope) -> Guest | None:
        header = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        kind, _, presented = header.partition(" ")
        if kind.lower() != "bearer":
            return None
        try:
            token = tokens.find(presented.strip())
        except FlowalprError as error:
            log.error("nobody can be let in: %s", error)
            return None
        if token is None:
            return None
        client = scope.get("client")
        return Guest(
            f"{token.name} (token {token.id})",
            token.role,
            client[0] if client else "?",
            lambda: tokens.find(presented.strip()) is not None,
        )

    return admit


class Entrance:
    """Stands before all routes: knows each guest, or answers 401; refuses bodies that are too large or too slow."""

    def __init__(self, app: ASGIApp, admit: Admit) -> None:
        self._app = app
        self._admit = admit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        guest = self._admit(scope)
        if guest is None and scope["path"] != OPEN_TO_ALL:
            await _refuse(scope, send, 401, "a token is needed: send it as `Authorization: Bearer ...`")
            return
        scope.setdefault("state", {})["guest"] = guest
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
            return
        try:
            body = await _body(scope, receive)
        except _BodyError as error:
            await _refuse(scope, send, error.status, str(error))
            return
        await self._app(scope, _given(body, receive), send)


def guest_of(connection: HTTPConnection) -> Guest:
    """The guest whom the entrance let in."""
    guest: Guest | None = connection.scope["state"]["guest"]
    if guest is None:
        raise HTTPException(401, "a token is needed")
    return guest


def _at_least(role: Role) -> Any:  # Any: what FastAPI makes of a dependency
    def allowed(guest: Annotated[Guest, Depends(guest_of)]) -> Guest:
        if not guest.role.may(role):
            raise HTTPException(403, f"this needs the role {role.value}; your token has the role {guest.role.value}")
        return guest

    allowed.role = role  # type: ignore[attr-defined]  # For tests that walk over all routes.
    return Depends(allowed)


Viewer = Annotated[Guest, _at_least(Role.viewer)]
Operator = Annotated[Guest, _at_least(Role.operator)]
Admin = Annotated[Guest, _at_least(Role.admin)]
bearer = HTTPBearer(auto_error=False, description="A token of `flowalpr token create`; not needed on the socket.")


class _BodyError(Exception):
    def __init__(self, status: int, what: str) -> None:
        super().__init__(what)
        self.status = status


async def _body(scope: Scope, receive: Receive) -> bytes:
    """The whole body, before any route sees it."""
    stated = dict(scope["headers"]).get(b"content-length", b"0")
    if stated.isdigit() and int(stated) > LARGEST_BODY:
        raise _BodyError(413, f"a body has at most {LARGEST_BODY} bytes")
    parts: list[bytes] = []
    size = 0
    while True:
        try:
            message = await asyncio.wait_for(receive(), BODY_WITHIN)
        except asyncio.TimeoutError:
            raise _BodyError(408, f"the body did not come within {BODY_WITHIN:g} s") from None
        if message["type"] != "http.request":
            return b"".join(parts)
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > LARGEST_BODY:
            raise _BodyError(413, f"a body has at most {LARGEST_BODY} bytes")
        if not message.get("more_body", False):
            return b"".join(parts)


def _given(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives a body that was read already, then what else comes: that the client has gone."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _refuse(scope: Scope, send: Send, status: int, what: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": what})  # Before it is accepted: HTTP 403.
        return
    body = json.dumps({"error": what}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers += [(b"connection", b"close")] if status in (408, 413) else []
    headers += [(b"www-authenticate", b"Bearer")] if status == 401 else []
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
