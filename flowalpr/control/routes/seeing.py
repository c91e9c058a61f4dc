"""Seeing: pictures of cameras, and the log."""

from __future__ import annotations

import json
from functools import partial
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query

from flowalpr.control.access import Operator, Viewer
from flowalpr.control.logs import Line
from flowalpr.control.routes.looking import At, Jpeg
from flowalpr.control.streams import EventStream

router = APIRouter()

Limit = Annotated[int, Query(ge=1, le=1000)]


@router.get("/cameras/{name:path}/picture", summary="A camera's picture now", response_class=Jpeg)
def picture(
    name: str, guest: Operator, desk: At, width: Annotated[int, Query(ge=16, le=7680)] = 1280, why: str = ""
) -> Jpeg:
    """JPEG, at most `width` pixels wide, with plates, zones and what was read drawn."""
    from flowalpr.control.pictures import picture as taken

    if name not in desk.flow.runner.graph.nodes:
        raise HTTPException(404, "the flow has no node of that name")
    desk.journal.note_looking(guest, f"camera {name}", why)
    data = taken(desk.flow, name, width)
    if data is None:
        raise HTTPException(409, f"'{name}' gives no picture now")
    return Jpeg(data, headers={"Cache-Control": "no-store"})


@router.get("/logs", summary="The last lines of the log")
async def logs(guest: Viewer, desk: At, limit: Limit = 200) -> list[Line]:
    """The oldest first."""
    found: list[Line] = desk.flow.logs.lines(limit)
    return found


@router.get("/logs/stream", summary="The last lines, then those to come, as server-sent events `line`")
async def log_stream(guest: Viewer, desk: At, limit: Limit = 200) -> EventStream:
    """Each a JSON object with `time`, `level`, `event`, and what else was logged."""
    lines = desk.lines.items(after=partial(desk.flow.logs.lines, limit))
    return EventStream(lines, "line", json.dumps, guest)
