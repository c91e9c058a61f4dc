"""Reads: the latest, those to come, their plates' pictures."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, WebSocket
from fastapi.responses import Response

from flowalpr.control.access import Guest, Operator, Viewer
from flowalpr.control.heard import HeardRead, Record, veiled
from flowalpr.control.routes.looking import At
from flowalpr.control.streams import EventStream, Words, serve_socket

router = APIRouter(prefix="/reads")


@router.get("", summary="The latest reads")
async def reads(guest: Viewer, desk: At, limit: Annotated[int, Query(ge=1, le=500)] = 100) -> list[Record]:
    """The latest first; of a passage that was told more than once, the latest account."""
    return [_shown(each, guest) for each in desk.flow.heard.reads()[:limit]]


@router.get("/stream", summary="Reads as they come, as server-sent events `read`")
async def read_stream(guest: Viewer, desk: At) -> EventStream:
    """One that comes again under the same `id` replaces the earlier: a passage is told as a preview, then as final."""
    return EventStream(desk.reads.items(), "read", _words(guest), guest)


@router.websocket("/socket")
async def read_socket(socket: WebSocket, guest: Viewer, desk: At) -> None:
    """The same as text messages of a WebSocket."""
    await serve_socket(socket, desk.reads.items(), _words(guest), guest)


@router.get("/{id}/crop", summary="The picture of a plate", response_class=Response)
def crop(id: str, guest: Operator, desk: At) -> Response:  # noqa: A002  # A read's id is called so everywhere.
    """JPEG; of the latest reads only."""
    heard: HeardRead | None = desk.flow.heard.read(id)
    if heard is None:
        raise HTTPException(404, "no such read is remembered; older ones are in the store, without pictures")
    desk.journal.note_looking(guest, "plates")
    import cv2

    _, data = cv2.imencode(".jpg", heard.read.detection.crop(margin=0.2))
    return Response(data.tobytes(), media_type="image/jpeg")


def _words(guest: Guest) -> Words:
    def words(heard: Any) -> str:  # Any: what the feed of reads is told
        return json.dumps(_shown(heard, guest), ensure_ascii=False)

    return words


def _shown(heard: HeardRead, guest: Guest) -> Record:
    record = heard.record()
    return record if guest.sees_plates else veiled(record)
