"""The door's application: all routes, how errors are answered, and the page that describes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from flowalpr.control.desk import Desk
from flowalpr.control.routes import looking, reading, seeing, steering, watching
from flowalpr.engine.segment import NotOpenedError
from flowalpr.errors import FlowalprError

if TYPE_CHECKING:
    from flowalpr.control.flow import RunningFlow

ROUTERS = tuple(each.router for each in (looking, reading, seeing, steering, watching))
"""All that can be asked."""
REFUSALS = {
    400: "no HTTP that is understood",
    401: "no token, or one that opens nothing",
    403: "the token's role is too small",
    404: "nothing of that name",
    405: "not so",
    408: "the body came too slowly",
    409: "not now",
    413: "the body is too large",
    422: "what was sent is wrong",
    503: "something on the machine is missing or unfit",
    504: "it takes too long, and may still come about",
}
"""Why a request is refused, by its status."""
WHY = {"application/json": {"schema": {"type": "object", "properties": {"error": {"type": "string"}}}}}
"""What each of these answers holds."""


def application(flow: RunningFlow) -> FastAPI:
    """The application for one flow."""

    @asynccontextmanager
    async def alive(app: FastAPI) -> AsyncIterator[None]:
        desk = app.state.desk = Desk(flow)
        flow.heard.on_read(desk.reads.tell)
        flow.logs.on_line(desk.lines.tell)
        beating = asyncio.ensure_future(desk.beat())
        try:
            yield
        finally:
            flow.heard.on_read(None)
            flow.logs.on_line(None)
            beating.cancel()
            with suppress(asyncio.CancelledError):
                await beating
            flow.shelf.close()

    app = FastAPI(
        title=f"flowalpr: {flow.name}",
        description="The door into a running flow; see docs/control.md.",
        lifespan=alive,
        docs_url=None,  # Its pages load scripts from elsewhere, and boxes at a gate have no network.
        redoc_url=None,
        responses={status: {"description": what, "content": WHY} for status, what in REFUSALS.items()},
        openapi_url=None,  # With it everybody could read it; ours is a route among others.
    )
    for router in ROUTERS:
        app.include_router(router)
    app.add_exception_handler(RequestValidationError, _wrong_request)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(FlowalprError, _failed)
    app.add_exception_handler(Exception, _broken)
    return app


async def _wrong_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # As registered.
    found = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]  # Not the value itself.
    return JSONResponse({"error": "; ".join(found)}, 422)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101  # As registered.
    return JSONResponse({"error": str(error.detail)}, error.status_code, headers=error.headers)


async def _failed(request: Request, error: Exception) -> JSONResponse:
    """What a user can mend is told in the words of the command line."""
    assert isinstance(error, FlowalprError)  # noqa: S101  # As registered.
    if isinstance(error, NotOpenedError):
        return JSONResponse({"error": str(error)}, 409)
    return JSONResponse({"error": str(error)}, 422 if error.exit_code == 2 else 503)


async def _broken(request: Request, error: Exception) -> JSONResponse:
    """A fault of ours; its words may hold anything, so they stand in the flow's log alone."""
    return JSONResponse({"error": f"the door failed: {type(error).__name__}; the flow's log says more"}, 500)
