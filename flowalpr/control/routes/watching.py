"""Watching: alerts until somebody acknowledges them, watch lists, metrics."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Protocol, runtime_checkable

from fastapi import APIRouter, HTTPException
from fastapi.responses import PlainTextResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from flowalpr.alerts import acknowledge, open_alerts
from flowalpr.control.access import Admin, Operator, Viewer
from flowalpr.control.heard import Record
from flowalpr.control.routes.looking import At
from flowalpr.masking import masked_record

router = APIRouter()


@runtime_checkable
class KeepsList(Protocol):
    """A node with a watch list."""

    def list_size(self) -> int:
        """How many entries it has."""

    def list_add(self, row: dict[str, str]) -> None:
        """Add an entry: `plate`, `action`, `label`, `until`."""


class Note(BaseModel):
    """What somebody says of an alert."""

    model_config = ConfigDict(extra="forbid")

    note: Annotated[str, Field(max_length=1000)] = ""


class NewEntry(BaseModel):
    """An entry for a watch list."""

    model_config = ConfigDict(extra="forbid")

    plate: Annotated[str, Field(min_length=1, max_length=50)]
    action: Literal["allow", "deny", "alert"] = "alert"
    label: Annotated[str, Field(max_length=200)] = ""
    until: Annotated[str, Field(max_length=40)] = ""
    """The last day (2026-12-31), or a time."""


@router.get("/alerts", summary="Alerts that nobody has acknowledged")
def alerts(guest: Viewer, desk: At) -> list[Record]:
    """The gravest first, of these the latest."""
    found = [each.record() for each in open_alerts(desk.flow.folder)]
    return found if guest.sees_plates else [masked_record(each) for each in found]


@router.post("/alerts/{id}/acknowledge", summary="Close an alert")
def close_alert(id: str, note: Note, guest: Operator, desk: At) -> Record:  # noqa: A002  # An alert's id is called so.
    """The alert as it was, with its plate for the last time. 422 if there is none, or somebody was quicker."""
    desk.journal.note(guest, "acknowledge", alert=id[:64])
    return acknowledge(desk.flow.folder, id, guest.who, note.note).record()


@router.get("/watchlists", summary="The watch lists of the flow")
def watchlists(guest: Viewer, desk: At) -> list[Record]:
    """The node that has it, its file, and how many entries are in use."""
    return [
        {"name": name, "file": str(getattr(node, "path", "")), "entries": node.list_size()}
        for name, node in _lists(desk).items()
    ]


@router.post("/watchlists/{name:path}/entries", summary="Add a plate to a watch list")
def add_entry(name: str, new: NewEntry, guest: Admin, desk: At) -> Record:
    """It counts within a second."""
    node = _lists(desk).get(name)
    if node is None:
        raise HTTPException(404, "the flow has no watch list of that name")
    desk.journal.note(guest, "list changed", plate=new.plate, node=name, entry=new.action)
    node.list_add(new.model_dump())
    return {"name": name, "entries": node.list_size()}


@router.get("/metrics", summary="Metrics for Prometheus", response_class=PlainTextResponse)
def metrics(guest: Viewer, desk: At) -> Response:
    """In its text format. No plate is in any label."""
    from flowalpr.control.metrics import FORMAT, metrics_of

    return Response(metrics_of(desk.flow), media_type=FORMAT)


def _lists(desk: Any) -> dict[str, KeepsList]:  # Any: `Desk`, which imports this module
    nodes = desk.flow.runner.graph.nodes
    return {name: each.node for name, each in nodes.items() if isinstance(each.node, KeepsList)}
