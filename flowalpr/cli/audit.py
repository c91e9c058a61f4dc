"""`flowalpr audit`: who searched, exported, erased or changed what, and whether the record of it is whole."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowalpr.cli.options import AsJson

if TYPE_CHECKING:
    from flowalpr.storage.audit import AuditLog, Entry

app = typer.Typer(no_args_is_help=True, help="Who searched, exported, erased or changed what, and is the record whole.")
Folder = Annotated[
    Path | None, typer.Option("--log", metavar="FOLDER", help="The folder of the log; else $FLOWALPR_AUDIT.")
]


@app.command()
def verify(
    folder: Folder = None,
    anchor: Annotated[str, typer.Option(help="What `verify` printed on an earlier day, kept elsewhere.")] = "",
    as_json: AsJson = False,
) -> None:
    """Check that no entry was altered, removed or inserted; the first that was is named first.

    Exit code 0: the log is whole; 1: it is not. Keep the anchor that is printed somewhere else (on paper, in a mail):
    whoever has this machine's files and keys can put all of them back to an earlier day, and only the anchor shows it.
    """
    verdict = _log(folder).verify(anchor)
    if as_json:
        found = {"entries": verdict.entries, "problems": verdict.problems, "remarks": verdict.remarks}
        typer.echo(json.dumps({"ok": not verdict.problems, **found, "anchor": verdict.anchor}))
    else:
        for problem in verdict.problems:
            typer.echo(problem)
        for remark in verdict.remarks:
            typer.echo(f"(no fault: {remark})")
        state = "the audit log is NOT whole" if verdict.problems else "the audit log is whole"
        typer.echo(f"{state}: {verdict.entries} entries are as they were written; anchor {verdict.anchor or '-'}")
    if verdict.problems:
        sys.exit(1)


@app.command()
def report(
    folder: Folder = None,
    since: Annotated[datetime | None, typer.Option(help="The first day, UTC.", formats=["%Y-%m-%d"])] = None,
    action: Annotated[str, typer.Option(help="Only this: search, export, erase ...")] = "",
    user: Annotated[str, typer.Option(help="Only what this account did.")] = "",
    plate: Annotated[str, typer.Option(help="Only what was done about this plate.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show what is in the log, the first entry first. Plates stand there as pseudonyms only."""
    from flowalpr.storage.audit import AuditLog

    log = AuditLog(folder)
    first = since.replace(tzinfo=timezone.utc) if since else None
    pseudonyms = log.pseudonyms(plate) if plate else frozenset()
    found = [
        entry
        for entry in log.entries()
        if (first is None or entry.time >= first)
        and action in ("", entry.action)
        and user in ("", entry.who.user)
        and (not plate or entry.plate in pseudonyms)
    ]
    if as_json:
        for entry in found:
            typer.echo(json.dumps(entry.record()))
        return
    _show(found)


@app.command()
def require(
    actions: Annotated[list[str] | None, typer.Argument(metavar="ACTION", help="search, export ...; none: ask never.")],
    folder: Folder = None,
) -> None:
    """Ask a purpose (`--why`) for these actions from now on, and for no others."""
    from flowalpr.storage.caller import caller

    wanted = tuple(actions or ())
    _log(folder).require_purpose(wanted, caller())
    typer.echo(f"a purpose is asked for: {', '.join(wanted) or 'nothing'}")


@app.command()
def forget(
    month: Annotated[str, typer.Argument(metavar="YYYY-MM", help="The first month that is kept.")],
    folder: Folder = None,
) -> None:
    """Destroy the keys of older months' pseudonyms, so that those entries can be linked to no plate any more."""
    import re

    from flowalpr.storage.caller import caller

    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
        raise typer.BadParameter(f"{month!r} is no month such as 2026-11", param_hint="YYYY-MM")
    _log(folder).forget_plates_before(month, caller())
    typer.echo(f"entries before {month} can be linked to no plate any more")


def _log(folder: Path | None) -> AuditLog:
    from flowalpr.storage.audit import AuditLog

    return AuditLog(folder)


def _show(entries: list[Entry]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("entry", "time (UTC)", "who", "from", "action", "plate", "about", "why"):
        table.add_column(name, justify="right" if name == "entry" else "left")
    for entry in entries:
        when = f"{entry.time:%Y-%m-%d %H:%M:%S}"
        about = ", ".join(f"{name} {value}" for name, value in entry.about.items())
        who = f"{entry.who.user} ({entry.who.role})" if entry.who.role else entry.who.user
        cells = (str(entry.number), when, who, entry.who.origin, entry.action, entry.plate[:16], about, entry.why)
        table.add_row(*(Text("".join(each if each.isprintable() else "�" for each in cell)) for cell in cells))
    Console().print(table)
