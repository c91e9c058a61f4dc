"""Looking on: health, the flows of this machine, snapshots."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Request, WebSocket
from fastapi.responses import HTMLResponse, Response
from starlette.requests import HTTPConnection

from flowalpr.control.access import Viewer
from flowalpr.control.page import page
from flowalpr.control.places import is_alive, sockets
from flowalpr.control.streams import EventStream, serve_socket
from flowalpr.telemetry.snapshot import FlowSnapshot

if TYPE_CHECKING:
    from flowalpr.control.desk import Desk

router = APIRouter()


class Jpeg(Response):
    """A picture."""

    media_type = "image/jpeg"


def desk_of(connection: HTTPConnection) -> Desk:
    """What the routes share."""
    desk: Desk = connection.app.state.desk
    return desk


At = Annotated[Any, Depends(desk_of)]  # Any: `Desk`, which imports this module


@router.get("/health", summary="Whether the flow runs; the one thing told to anybody")
async def health() -> dict[str, str]:
    """Answers while the process is alive, and says nothing else."""
    return {"status": "ok"}


@router.get("/flow", summary="Which flow this is")
async def flow(guest: Viewer, desk: At) -> dict[str, Any]:  # Any: the values that JSON has
    """Name, process, start, version, and what you may do."""
    return {
        "flow": desk.flow.name,
        "process": desk.flow.process,
        "since": desk.flow.since.isoformat(),
        "version": version("flowalpr"),
        "role": guest.role.value,
    }


@router.get("/flows", summary="The flows of this machine")
def flows(guest: Viewer) -> list[str]:
    """Names of those that this flow's user runs; others have doors of their own."""
    return [name for name, path in sockets() if is_alive(path)]


@router.get("/openapi.json", include_in_schema=False)
async def schema(request: Request, guest: Viewer) -> dict[str, Any]:  # Any: an OpenAPI document
    """All routes, for programs."""
    found: dict[str, Any] = request.app.openapi()  # Any: as above
    return found


@router.get("/docs", include_in_schema=False, response_class=HTMLResponse)
async def docs(request: Request, guest: Viewer) -> str:
    """All routes, for people."""
    return page(request.app.openapi())


@router.get("/snapshot", summary="The flow at this moment")
async def snapshot(guest: Viewer, desk: At) -> FlowSnapshot:
    """Counters of nodes, wires, cameras and sinks, why there were no plates, and the machine."""
    found: FlowSnapshot = desk.flow.snapshot()
    return found


@router.get("/snapshot/stream", summary="The same four times a second, as server-sent events `snapshot`")
async def snapshot_stream(guest: Viewer, desk: At) -> EventStream:
    """Of snapshots that could not be sent in time, only the latest is."""
    return EventStream(desk.snapshots.items(), "snapshot", str, guest)


@router.websocket("/snapshot/socket")
async def snapshot_socket(socket: WebSocket, guest: Viewer, desk: At) -> None:
    """The same as text messages of a WebSocket."""
    await serve_socket(socket, desk.snapshots.items(), str, guest)
