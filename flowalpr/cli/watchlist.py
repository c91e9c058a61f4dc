"""`flowalpr watchlist`: what a watch list would do with a plate; one more plate for it."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowalpr.cli.accountable import Why
from flowalpr.cli.options import AsJson

if TYPE_CHECKING:
    from rich.table import Table

app = typer.Typer(no_args_is_help=True, help="Try what a watch list would do with a plate; add one to it.")
Listed = Annotated[Path, typer.Option("--list", metavar="FILE", help="The list: .csv, .yaml or .db.")]


@app.command()
def preview(
    plate: Annotated[str, typer.Argument(metavar="PLATE", help="As it may be read or written.")],
    path: Listed,
    alike: Annotated[
        float | None, typer.Option(help="How far apart read and plate may be, 0 to 1; else as the node has it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show which entries of a list a plate would match now and why; and which would just not, and why not."""
    from flowalpr.cli.single import node_of
    from flowalpr.plates import normal

    node: Any = node_of("watchlist", {"path": path} | ({} if alike is None else {"alike": alike}))  # Any: a plugin's
    node.open()
    try:
        found = [_record(each, normal(plate)) for each in node.candidates(plate, datetime.now(timezone.utc))]
    finally:
        node.close()
    if as_json:
        typer.echo(json.dumps({"plate": normal(plate), "candidates": found}, ensure_ascii=False))
        return
    match = found[0] if found and found[0]["verdict"] == "match" else None
    of = f"{match['action']}{', ' + match['label'] if match['label'] else ''}" if match else ""
    typer.echo(f"{normal(plate)} is on the list: {of}" if match else f"{normal(plate)} is not on the list")
    if found:
        from rich.console import Console

        Console().print(_table(found), highlight=False)


@app.command()
def add(
    plate: Annotated[str, typer.Argument(metavar="PLATE", help="However it is written.")],
    path: Listed,
    action: Annotated[str, typer.Option(help="allow, deny or alert.")] = "alert",
    label: Annotated[str, typer.Option(help="Whose it is, or why it is on the list.")] = "",
    until: Annotated[str, typer.Option(help="The last day (2026-12-31), or a time.")] = "",
    why: Why = "",
) -> None:
    """Add a plate to a list, also while flows use it, and to the audit log that it was added."""
    from flowalpr.cli.accountable import account
    from flowalpr.cli.single import node_of

    node: Any = node_of("watchlist", {"path": path, "action": action})  # Any: a plugin's
    account("list changed", plate, why, file=path.name, entry=action)
    node.list_add({"plate": plate, "action": action, "label": label, "until": until})
    typer.echo(f"one plate more is on {path}: {action}")


def _record(candidate: Any, text: str) -> dict[str, Any]:  # Any: what the node of a plugin gives, and JSON
    entry = candidate.entry
    return {
        "entry": entry.line,
        "plate": entry.plate,
        "action": entry.action,
        "label": entry.label,
        "until": entry.until.isoformat() if entry.until else None,
        "distance": round(candidate.distance, 3),
        "verdict": candidate.verdict,
        "why": _why(text, entry.plate),
    }


def _why(text: str, plate: str) -> str:
    """What lies between a read and a plate: `2: 8 for B`."""
    from flowalpr.plates import align

    differences = [
        f"{(there or 0) + 1}: {text[here] if here is not None else 'nothing'} for "
        f"{plate[there] if there is not None else 'nothing'}"
        for here, there in align(text, plate)
        if here is None or there is None or text[here] != plate[there]
    ]
    return ", ".join(differences) or "equal"


def _table(found: list[dict[str, Any]]) -> Table:  # Any: the values that JSON has
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("entry", "plate", "action", "label", "until", "distance", "verdict", "why"):
        table.add_column(name, justify="right" if name in ("entry", "distance") else "left")
    for each in found:
        style = "bold" if each["verdict"] == "match" else "dim"
        table.add_row(*(Text("" if value is None else str(value)) for value in each.values()), style=style)
    return table
