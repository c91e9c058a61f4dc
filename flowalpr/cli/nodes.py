"""`flowalpr nodes`: what is installed, and the manual page of each node."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any

import typer

from flowalpr.cli.options import AsJson, Blocked

if TYPE_CHECKING:
    from flowalpr.node import Node, Ports
    from flowalpr.plugins import Catalogue, Offer

KINDS = ("source", "detect", "ocr", "filter", "convert", "sink")
"""In the order in which messages meet them."""

app = typer.Typer(help="List all nodes, or show one of them.", invoke_without_command=True)


@app.callback()
def nodes(context: typer.Context, as_json: AsJson = False, without: Blocked = None) -> None:
    """List the nodes of all installed plugins by kind: what each takes and gives, and what it does."""
    if context.invoked_subcommand is None:
        from flowalpr.plugins import load_plugins

        catalogue = load_plugins(without or ())
        if as_json:
            typer.echo(json.dumps({"nodes": [_record(o) for o in catalogue], "broken": _broken_records(catalogue)}))
        else:
            _print_table(catalogue)


@app.command()
def show(name: str, as_json: AsJson = False, without: Blocked = None) -> None:
    """Show the manual page of a node: its ports and its settings, with units, limits and defaults."""
    from flowalpr.errors import FlowError, Problem
    from flowalpr.plugins import UnknownNodeError, load_plugins

    try:
        offer = load_plugins(without or ()).find(name)
    except UnknownNodeError as error:
        raise FlowError([Problem(error.what, fix=error.fix)]) from error
    if as_json:
        typer.echo(json.dumps(_record(offer) | {"settings": _settings_records(offer.node)}))
    else:
        _print_page(offer)


def _print_table(catalogue: Catalogue) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from flowalpr.docstrings import first_line

    console = Console()
    short = [offer.name for offer in catalogue]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("kind", "name", "takes", "gives", "what it does"):
        table.add_column(heading, overflow="fold", no_wrap=heading != "what it does")
    for kind in KINDS:
        label = kind
        for offer in (each for each in catalogue if each.node.ports().kind == kind):
            unique = short.count(offer.name) == 1
            takes, gives = taken_and_given(offer.node.ports())
            what = Text(first_line(offer.node))
            table.add_row(label, offer.name if unique else offer.full_name, takes, gives, what)
            label = ""
    if table.row_count:
        console.print(table)
    else:
        typer.echo("no node is installed, not even the built-in ones: pip install -e . in the checkout")
    for each in catalogue.broken:
        typer.echo(f"plugin '{each.plugin}' {each.version} failed to load: {each.error}", err=True)


def _print_page(offer: Offer) -> None:
    from flowalpr.flow.manual import settings_of

    takes, gives = taken_and_given(offer.node.ports())
    typer.secho(offer.full_name, bold=True)
    typer.echo(f"  takes {takes}, gives {gives}\n")
    typer.echo(inspect.cleandoc(offer.node.__doc__ or ""))
    settings = settings_of(offer.node)
    typer.echo("\nsettings" if settings else "\nno settings")
    for setting in settings.values():
        typer.secho(f"\n  {setting.name}", bold=True, nl=False)
        default = "required" if setting.required else f"default {setting.default}"
        typer.echo(f"  {setting.means}; {default}")
        for line in setting.help.splitlines():
            typer.echo(f"      {line}")


def taken_and_given(ports: Ports) -> tuple[str, str]:
    """What a node takes and gives, in words."""
    takes = " or ".join(each.__name__ for each in ports.takes) or "nothing"
    return takes, "the same" if ports.same else ports.gives.__name__ if ports.gives else "nothing"


def _record(offer: Offer) -> dict[str, Any]:  # Any: the values that JSON has
    ports = offer.node.ports()
    return {
        "name": offer.name,
        "plugin": offer.plugin,
        "kind": ports.kind,
        "takes": [each.__name__ for each in ports.takes],
        "gives": "same" if ports.same else ports.gives.__name__ if ports.gives else None,
        "help": inspect.cleandoc(offer.node.__doc__ or ""),
    }


def _settings_records(node: type[Node]) -> list[dict[str, Any]]:  # Any: the values that JSON has
    from flowalpr.flow.manual import settings_of

    return [
        {
            "name": each.name,
            "takes": each.means,
            "required": each.required,
            "default": None if each.required else each.default,
            "help": each.help,
        }
        for each in settings_of(node).values()
    ]


def _broken_records(catalogue: Catalogue) -> list[dict[str, str]]:
    return [{"plugin": each.plugin, "version": each.version, "error": each.error} for each in catalogue.broken]
