"""`flowalpr alerts`: what a person should look at, and that somebody has."""

from __future__ import annotations

import getpass
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowalpr.cli.options import AsJson

if TYPE_CHECKING:
    from flowalpr.alerts import KeptAlert

app = typer.Typer(no_args_is_help=True, help="Look at alerts and acknowledge them, while the flow runs or afterwards.")

Name = Annotated[str, typer.Argument(metavar="FLOW", help="The flow's name, or its file.")]
SHOWN = 8
"""Characters of an id that are shown; so many of them, or any that only one alert has, name an alert."""


@app.command("list")
def list_(
    flow: Name,
    done: Annotated[bool, typer.Option("--done", help="Those that were acknowledged, by whom and when.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the alerts that nobody has acknowledged, the gravest first."""
    from flowalpr.alerts import acknowledged_alerts, open_alerts

    found = (acknowledged_alerts if done else open_alerts)(_folder(flow))
    if as_json:
        typer.echo(json.dumps([each.record() for each in found], ensure_ascii=False))
    elif found:
        _print(found, done)
    else:
        typer.echo("no alerts were acknowledged" if done else "no alerts are open")


@app.command()
def acknowledge(
    flow: Name,
    alert: Annotated[str, typer.Argument(metavar="ID", help="The alert's id, or its first characters.")],
    by: Annotated[str, typer.Option(help="Who acknowledges it; without it, the user of this machine.")] = "",
    note: Annotated[str, typer.Option(help="What there is to say of it.")] = "",
) -> None:
    """Acknowledge an alert: it is closed, and its plate is erased from the alerts.

    Exit code 2: there is no such alert, or somebody was quicker.
    """
    from flowalpr.alerts import acknowledge, open_alerts

    folder = _folder(flow)
    meant = [each.id for each in open_alerts(folder) if each.id.startswith(alert)]
    if len(meant) > 1:
        typer.echo(f"{len(meant)} alerts begin with {alert}: give more of the id", err=True)
        sys.exit(2)
    closed = acknowledge(folder, meant[0] if meant else alert, by or getpass.getuser(), note)
    typer.echo(f"acknowledged: {closed.severity}, {closed.label}, {closed.text} at {closed.camera}")


def _folder(flow: str) -> Path:
    """The state folder of a flow, given by its name or its file."""
    from flowalpr.flow.document import read_document
    from flowalpr.flow.spec import read_spec
    from flowalpr.state import state_folder

    path = Path(flow)
    if path.suffix in (".yaml", ".yml"):
        flow = read_spec(read_document(path), path.stem, []).name
    return state_folder(flow)


def _print(found: list[KeptAlert], done: bool) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim")
    last = ("acknowledged", "by", "note") if done else ("plate",)
    for name in ("id", "severity", "raised", "camera", "label", *last):
        table.add_column(name)
    for each in found:
        raised = f"{each.raised.astimezone():%Y-%m-%d %H:%M:%S}"
        row = [each.id[:SHOWN], each.severity, raised, each.camera, each.label]
        when = f"{each.acknowledged.astimezone():%Y-%m-%d %H:%M:%S}" if each.acknowledged else ""
        row += [when, each.by, each.note] if done else [each.text]
        style = "bold" if each.severity == "high" and not done else ""
        table.add_row(*map(Text, row), style=style)
    Console().print(table, highlight=False)
