"""`flowalpr reads`: what a store holds."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowalpr.cli.accountable import Why, account
from flowalpr.cli.options import AsJson
from flowalpr.cli.stores import (
    Alike,
    AtLeast,
    Below,
    Camera,
    Country,
    Db,
    Direction,
    Key,
    ListName,
    OfFlow,
    Reason,
    Since,
    Until,
    moment_of,
    opened,
)
from flowalpr.errors import FlowError, Problem

if TYPE_CHECKING:
    from flowalpr.storage import Query, ReadStore, StoredRead

app = typer.Typer(no_args_is_help=True, help="List, search, show, export and correct the reads in a store.")

Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many, the latest first.")]
Text = Annotated[str | None, typer.Argument(metavar="[PLATE]", help="'ab-12 cd', or with wildcards: 'AB?12*'.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="Of the read; its beginning is enough, as `list` shows it.")]


@app.command("list")
def list_(
    db: Db = None,
    flow: OfFlow = None,
    key: Key = None,
    limit: Limit = 20,
    why: Why = "",
    camera: Camera = None,
    as_json: AsJson = False,
) -> None:
    """Show the latest reads."""
    from flowalpr.cli.reads_output import show_reads
    from flowalpr.storage import Query

    with opened(db, flow, key) as store:
        account("list", why=why, store=str(store.address), cameras=list(camera or ()))
        found = store.search(Query(cameras=tuple(camera or ())), limit + 1)
    show_reads(found[:limit], as_json, has_more=len(found) > limit)


@app.command()
def search(
    text: Text = None,
    alike: Alike = 0.0,
    since: Since = None,
    until: Until = None,
    camera: Camera = None,
    country: Country = None,
    direction: Direction = None,
    reason: Reason = None,
    lists: ListName = None,
    at_least: AtLeast = None,
    below: Below = None,
    limit: Limit = 100,
    why: Why = "",
    db: Db = None,
    flow: OfFlow = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Find reads by plate, also as it may have been misread, and by time, camera and the like.

    Exit code 0: something was found; 1: nothing.
    """
    from flowalpr.cli.reads_output import show_reads

    asked = _query(
        text=text, alike=alike, since=since, until=until, camera=camera, country=country, direction=direction,
        reason=reason, lists=lists, at_least=at_least, below=below,
    )  # fmt: skip
    with opened(db, flow, key) as store:
        account("search", text or "", why, store=str(store.address), since=since, until=until, alike=alike or None)
        found = store.search(asked, limit + 1)
    show_reads(found[:limit], as_json, has_more=len(found) > limit)
    if not found:
        sys.exit(1)


@app.command()
def show(
    id_: Id,
    why: Why = "",
    db: Db = None,
    flow: OfFlow = None,
    key: Key = None,
    as_json: AsJson = False,
    save: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write its pictures there as JPEG, in clear.")
    ] = None,
) -> None:
    """Show all of one read, with its picture where the terminal can."""
    from flowalpr.cli.reads_output import save_pictures, show_read

    with opened(db, flow, key) as store:
        read = _one(store, id_)
        account("show", read.text, why, store=str(store.address), read=read.id)
        if save is not None:
            save_pictures(store, read, save)
        if as_json:
            typer.echo(json.dumps(read.record(), ensure_ascii=False))
        else:
            show_read(store, read)


@app.command()
def export(
    out: Annotated[
        Path, typer.Argument(metavar="FILE", help="Ends in .csv, .json, .jsonl or .parquet; - prints JSONL.")
    ],
    text: Annotated[str | None, typer.Option("--plate", help="As in `search`.")] = None,
    why: Why = "",
    alike: Alike = 0.0,
    since: Since = None,
    until: Until = None,
    camera: Camera = None,
    country: Country = None,
    direction: Direction = None,
    reason: Reason = None,
    lists: ListName = None,
    at_least: AtLeast = None,
    below: Below = None,
    db: Db = None,
    flow: OfFlow = None,
    key: Key = None,
) -> None:
    """Write reads to a file, in clear and for its owner alone."""
    from flowalpr.cli.progress import progress
    from flowalpr.cli.reads_export import written

    asked = _query(
        text=text, alike=alike, since=since, until=until, camera=camera, country=country, direction=direction,
        reason=reason, lists=lists, at_least=at_least, below=below,
    )  # fmt: skip
    with opened(db, flow, key) as store:
        account("export", text or "", why, store=str(store.address), since=since, until=until, to=str(out))
        total = None if text else store.count(asked)
        count = written(progress(store.iterate(asked), "exporting", total), out)
    typer.echo(f"{count} reads, in clear, in {out}", err=True)


@app.command()
def stats(
    since: Since = None,
    until: Until = None,
    camera: Camera = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw it: .png, .svg or .pdf.")] = None,
    db: Db = None,
    flow: OfFlow = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Count passages by the hour, cars inside, and how much of what passed was read, by camera and reason."""
    from flowalpr.cli.reads_output import show_statistics
    from flowalpr.storage.statistics import statistics

    with opened(db, flow, key) as store:
        found = statistics(store, _query(since=since, until=until, camera=camera))
    if plot is not None:
        from flowalpr.lab.plotting import plot_statistics

        plot_statistics(found, plot)
    if as_json:
        typer.echo(json.dumps(found.record(), ensure_ascii=False))
    else:
        show_statistics(found)


@app.command()
def correct(
    id_: Id,
    text: Annotated[str, typer.Argument(metavar="PLATE", help="What the plate says.")],
    why: Why = "",
    db: Db = None,
    flow: OfFlow = None,
    key: Key = None,
) -> None:
    """Write a read's text anew, as you see it; later accounts of the same passage leave it."""
    from flowalpr.plates import normal

    with opened(db, flow, key) as store:
        read = _one(store, id_)
        account("correct", read.text, why, store=str(store.address), read=read.id)
        store.correct(read.id, normal(text))
    typer.echo(f"read {read.id[:8]} is corrected")


def _one(store: ReadStore, id_: str) -> StoredRead:
    """The one read whose id begins so.

    Raises:
        FlowError: there is none, or several.
    """
    found = store.beginning(id_)
    if len(found) == 1 or (found and found[0].id == id_):
        return found[0]
    what = f"several reads have an id that begins with {id_!r}" if found else f"no read has the id {id_!r}"
    raise FlowError([Problem(what, fix="copy the id that this shows: flowalpr reads search --json")])


def _query(**asked: str | float | list[str] | None) -> Query:
    """What the options ask for; options that may be repeated become tuples."""
    from flowalpr.storage import Query

    times = {name: moment_of(asked.pop(name), name) for name in ("since", "until") if name in asked}  # type: ignore[arg-type]  # Those two are texts.
    plural = {
        "camera": "cameras",
        "country": "countries",
        "direction": "directions",
        "reason": "reasons",
        "lists": "lists",
    }
    several = {plural[name]: tuple(asked.pop(name) or ()) for name in plural if name in asked}  # type: ignore[arg-type]  # These are lists.
    return Query(**asked, **times, **several)  # type: ignore[arg-type]  # By name, as the options are typed.
