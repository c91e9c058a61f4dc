"""Steering: nodes and what went wrong in them; pausing, restarting, and another flow in place of this one."""

from __future__ import annotations

from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field

from flowalpr.control.access import Admin, Operator, Viewer
from flowalpr.control.heard import Record
from flowalpr.control.routes.looking import At
from flowalpr.engine.runner import NoSuchNodeError
from flowalpr.masking import masked_record

router = APIRouter()

RESTART_WITHIN = 60.0
"""Seconds that a node may take to close and open: models load."""
Limit = Annotated[int, Query(ge=1, le=1000)]


class NewFlow(BaseModel):
    """A flow file to change to."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=256_000)]
    name: Annotated[str, Field(max_length=200)] = ""
    """What errors call it; else the name of the file that runs."""
    save: bool = True
    """Whether it takes the place of the file that runs, so that a restart begins with it."""


@router.post("/nodes/{name:path}/pause", summary="Hold a node back")
def pause(name: str, guest: Operator, desk: At) -> Record:
    """With all nodes of its thread, which the answer names. What comes meanwhile waits, or is dropped if it is live."""
    _require(desk, name)
    desk.journal.note(guest, "pause", node=name)
    return {"nodes": _of(desk.flow.runner.pause, name)}


@router.post("/nodes/{name:path}/resume", summary="Let a paused node go on")
def resume(name: str, guest: Operator, desk: At) -> Record:
    """With all nodes of its thread."""
    _require(desk, name)
    desk.journal.note(guest, "resume", node=name)
    return {"nodes": _of(desk.flow.runner.resume, name)}


@router.post("/nodes/{name:path}/restart", summary="Close a node and open it again")
def restart(name: str, guest: Operator, desk: At) -> Record:
    """In its own thread, between two messages; a recording begins anew. 503 with the reason if it does not open."""
    _require(desk, name)
    desk.journal.note(guest, "restart", node=name)
    waiting: Future[None] = _of(desk.flow.runner.restart, name)
    try:
        waiting.result(RESTART_WITHIN)
    except NotInTime:
        raise HTTPException(504, f"node '{name}' is still busy with a message; it restarts after it") from None
    return {"nodes": [name]}


@router.get("/nodes/{name:path}", summary="A node")
def node(name: str, guest: Viewer, desk: At) -> Record:
    """Its settings with secrets masked, what it did in the last five minutes, its last errors with trace."""
    _require(desk, name)
    about: Record = desk.flow.about(name)
    return about


@router.get("/errors", summary="What went wrong lately")
def errors(guest: Viewer, desk: At, limit: Limit = 100) -> list[Record]:
    """The last errors of all nodes, twenty of each, the latest first."""
    return [desk.flow.told(each) for each in desk.flow.runner.troubles()[:limit]]


@router.get("/dead-letters", summary="Messages that failed and that no node caught")
def dead_letters(guest: Operator, desk: At, limit: Limit = 100) -> list[Record]:
    """The latest first; with plates, for they are kept to be recovered."""
    desk.journal.note_looking(guest, "dead letters")
    found: list[Record] = desk.flow.dead_letters(limit)
    return found if guest.sees_plates else [masked_record(each) for each in found]


@router.post("/deploy", summary="Change to another flow file")
def deploy(new: NewFlow, guest: Admin, desk: At) -> Record:
    """It is checked first: 422 with all that is wrong, and the flow goes on as it was.

    Only what changed is replaced. `changed` names those nodes; `saved` says whether the file was written.
    """
    desk.journal.note(guest, "deploy", **desk.flow.changes.fingerprint(new.text))
    done: Record = desk.flow.changes.deploy(new.text, new.name, save=new.save)
    return done


def _of(do: Any, name: str) -> Any:  # Any: one of the runner's methods and what it gives
    try:
        return do(name)
    except NoSuchNodeError as error:
        raise HTTPException(409, str(error)) from None


def _require(desk: Any, name: str) -> None:  # Any: `Desk`, which imports this module
    if name not in desk.flow.runner.graph.nodes:
        raise HTTPException(404, f"the flow has no node of that name; it has {', '.join(desk.flow.runner.graph.nodes)}")
