"""Which store a command means, and what it asks of it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowalpr.errors import FlowError, Problem, SetupError

if TYPE_CHECKING:
    from flowalpr.storage import ReadStore, StoreAddress

Db = Annotated[
    str | None,
    typer.Option("--db", metavar="FILE", help="The store; or env:NAME, where the URL of a PostgreSQL database is."),
]
OfFlow = Annotated[str | None, typer.Option("--flow", metavar="FLOW", help="The store of this flow instead.")]
Key = Annotated[
    str | None, typer.Option("--key", metavar="REFERENCE", help="Its key: env:NAME, file:PATH or credential:NAME.")
]
Since = Annotated[str | None, typer.Option(help="From then on: 2026-11-27, 2026-11-27T08:00, or `2 h` (so long ago).")]
Until = Annotated[str | None, typer.Option(help="Before then.")]
Camera = Annotated[list[str] | None, typer.Option("--camera", help="May be repeated.")]
Country = Annotated[list[str] | None, typer.Option("--country", metavar="CODE", help="May be repeated.")]
Direction = Annotated[list[str] | None, typer.Option("--direction", help="in, out, towards, away, left, right.")]
Reason = Annotated[list[str] | None, typer.Option("--reason", help="read, or why not: 'too small', blurred ...")]
ListName = Annotated[list[str] | None, typer.Option("--list", metavar="NODE", help="That met this watch list.")]
AtLeast = Annotated[float | None, typer.Option(min=0, max=1, help="Confidence, 0 to 1.")]
Below = Annotated[float | None, typer.Option(min=0, max=1, help="Confidence, 0 to 1.")]
Alike = Annotated[
    float, typer.Option(min=0, max=0.5, help="How far apart text and plate may be by look-alikes: 0.2 for 8 and B.")
]


def opened(db: str | None, flow: str | None, key: str | None = None) -> ReadStore:
    """The store that a command means, open: that of `--db` or `--flow`, else the one in this folder.

    Raises:
        SetupError: there is none, or it cannot be opened.
    """
    from flowalpr.storage import ReadStore

    address = address_of(db, flow, key)
    if address.url is None and not address.path.exists():
        raise SetupError(
            f"there is no store {address.path}", "name it with --db, or the flow that keeps it with --flow"
        )
    return ReadStore(address)


def address_of(db: str | None, flow: str | None, key: str | None = None) -> StoreAddress:
    """Where the store is that a command means.

    Raises:
        SetupError: none is named, and there is not just one here.
        FlowError: the flow is wrong, or has none.
    """
    from flowalpr.settings import Secret
    from flowalpr.storage import StoreAddress

    if flow is not None:
        return _of_flow(flow)
    secret = None if key is None else Secret(key)
    if db is not None and db.startswith(("env:", "file:", "credential:")):
        return StoreAddress(url=Secret(db), key=secret)
    return StoreAddress(Path(db).expanduser() if db is not None else _here(), key=secret)


def moment_of(text: str | None, name: str) -> datetime | None:
    """A time as people write it; without a zone it is this machine's.

    Raises:
        FlowError: it is none.
    """
    from flowalpr.settings import parse_duration

    if text is None:
        return None
    try:
        return datetime.now(timezone.utc) - parse_duration(text)  # type: ignore[no-any-return,operator]  # A timedelta.
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc)
    except ValueError:
        expected = "2026-11-27, 2026-11-27T08:00, 2026-11-27T08:00+00:00, or how long ago: 2 h"
        raise FlowError([Problem(f"--{name} {text!r} is no time", expected=expected)]) from None


def _of_flow(flow: str) -> StoreAddress:
    from flowalpr.flow.load import find_flow, load_flow
    from flowalpr.plugins import load_plugins
    from flowalpr.storage import StoreAddress

    graph = load_flow(find_flow(flow), load_plugins())
    found = {}
    for node in graph.nodes.values():
        node.node.place(node.name, flow=graph.name)
        address = getattr(node.node, "address", None)
        if isinstance(address, StoreAddress):
            found[node.name] = address
    if len(found) != 1:
        names = ", ".join(found)
        what = f"the flow {flow} has several stores: {names}" if found else f"the flow {flow} has no store"
        raise FlowError([Problem(what, fix="name its file with --db" if found else "add a node: {uses: store}")])
    return next(iter(found.values()))


def _here() -> Path:
    """The one store in this folder."""
    found = [path for path in sorted(Path().glob("*.db")) if _is_store(path)]
    if len(found) == 1:
        return found[0]
    if found:
        raise SetupError(f"there are several stores here: {', '.join(map(str, found))}", f"--db {found[0]}")
    raise SetupError("there is no store in this folder", "name it with --db, or the flow that keeps it with --flow")


def _is_store(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=2)) as database:
            tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master")}
    except sqlite3.Error:
        return False
    return "reads" in tables and bool(tables & {"day_keys", "flowalpr_schema"})
