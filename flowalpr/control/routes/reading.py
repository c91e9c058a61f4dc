"""Reads: the latest, those to come, those of the past; their pictures; what they really say."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, WebSocket
from fastapi.concurrency import run_in_threadpool
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from flowalpr.control.access import Guest, Operator, Viewer
from flowalpr.control.heard import Record
from flowalpr.control.routes.looking import At, Jpeg
from flowalpr.control.streams import EventStream, Words, serve_socket
from flowalpr.masking import masked_record
from flowalpr.plates import normal

router = APIRouter(prefix="/reads")

LONGEST_PLATE = 20
Why = Annotated[str, Query(max_length=500, description="The purpose, for the audit log.")]


class Wanted(BaseModel):
    """Which reads are searched for."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=500)] = 100
    camera: Annotated[str | None, Field(max_length=200)] = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    reason: Annotated[str | None, Field(max_length=100)] = None
    """`read`, or why there is no plate."""
    text: Annotated[str | None, Field(min_length=1, max_length=100)] = None
    """A plate; `?` is any one character, `*` any number."""
    why: Annotated[str, Field(max_length=500)] = ""
    """The purpose, for the audit log."""


class Correction(BaseModel):
    """What a plate really says."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=50)]
    why: Annotated[str, Field(max_length=500)] = ""


@router.get("", summary="Reads, the latest first")
def reads(guest: Viewer, desk: At, wanted: Annotated[Wanted, Query()]) -> list[Record]:
    """From the flow's store if it has one, else those remembered since the start, 500 at most.

    Plates are masked for a viewer, who cannot search for one either.
    """
    if wanted.text and not guest.sees_plates:
        raise HTTPException(403, "searching for a plate needs the role operator")
    if guest.sees_plates:
        _write_down(desk, guest, wanted)
    found = desk.flow.shelf.search(_query(wanted), wanted.limit)
    return [_shown(each, guest) for each in found]


@router.get("/stream", summary="Reads as they come, as server-sent events `read`")
async def read_stream(guest: Viewer, desk: At, why: Why = "") -> EventStream:
    """One that comes again under the same `id` replaces the earlier: a passage is told as a preview, then as final."""
    await _looks(desk, guest, why)
    return EventStream(desk.reads.items(), "read", _words(guest), guest)


@router.websocket("/socket")
async def read_socket(socket: WebSocket, guest: Viewer, desk: At) -> None:
    """The same as text messages of a WebSocket."""
    await _looks(desk, guest, "")
    await serve_socket(socket, desk.reads.items(), _words(guest), guest)


@router.get("/{id}/crop", summary="The picture of a plate", response_class=Jpeg)
def crop(id: str, guest: Operator, desk: At, why: Why = "") -> Jpeg:  # noqa: A002  # A read's id is called so everywhere.
    """JPEG; of the latest reads, and of those whose picture the store keeps."""
    desk.journal.note_looking(guest, "plates", why)
    data: bytes | None = desk.flow.shelf.picture(id)
    if data is None:
        raise HTTPException(404, "there is no picture of such a read")
    return Jpeg(data, headers={"Cache-Control": "no-store"})


@router.post("/{id}/correct", summary="Say what a plate really is")
def correct(id: str, new: Correction, guest: Operator, desk: At) -> Record:  # noqa: A002  # As above.
    """To the store and, with its picture, to the queue for training (`queued`); the answer is the read as it is now."""
    text = normal(new.text)
    if not 0 < len(text) <= LONGEST_PLATE:
        raise HTTPException(422, f"a plate has 1 to {LONGEST_PLATE} letters and digits")
    desk.journal.note(guest, "correct", plate=text, why=new.why, read=id[:64])
    return _shown(desk.flow.shelf.correct(id, text), guest)


def _query(wanted: Wanted) -> Any:  # Any: `flowalpr.storage.Query`, which takes a while to import
    from flowalpr.storage import Query as StoreQuery

    return StoreQuery(
        text=wanted.text,
        since=wanted.since,
        until=wanted.until,
        cameras=(wanted.camera,) if wanted.camera else (),
        reasons=(wanted.reason,) if wanted.reason else (),
    )


def _write_down(desk: Any, guest: Guest, wanted: Wanted) -> None:  # Any: `Desk`, which imports this module
    asked = wanted.model_dump(exclude_none=True, exclude={"limit", "text", "why"})
    about = {key: each.isoformat() if isinstance(each, datetime) else each for key, each in asked.items()}
    if wanted.text or about:
        desk.journal.note(guest, "search", plate=wanted.text or "", why=wanted.why, **about)
    else:
        desk.journal.note_looking(guest, "reads", wanted.why)


async def _looks(desk: Any, guest: Guest, why: str) -> None:  # Any: as above
    if guest.sees_plates:
        await run_in_threadpool(desk.journal.note_looking, guest, "reads", why)


def _words(guest: Guest) -> Words:
    def words(heard: Any) -> str:  # Any: what the feed of reads is told
        return json.dumps(_shown(heard.record(), guest), ensure_ascii=False)

    return words


def _shown(record: Record, guest: Guest) -> Record:
    return record if guest.sees_plates else masked_record(record)
