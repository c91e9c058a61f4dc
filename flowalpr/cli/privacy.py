"""`flowalpr privacy`: whether a flow treats plates as it should, and the documents that people must be given."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowalpr.cli.options import AsJson, Blocked, Flow, Settings, by_name

if TYPE_CHECKING:
    from flowalpr.flow.graph import Graph
    from flowalpr.privacy.document import Document

Out = Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write it there instead of printing it.")]

app = typer.Typer(no_args_is_help=True, help="Does a flow treat plates lawfully; notices, signs and registers for it.")


@app.command()
def check(flow: Flow, settings: Settings = None, as_json: AsJson = False, without: Blocked = None) -> None:
    """Check where plates get to: sealed, encrypted on their way, and not kept for ever.

    Nothing is opened. Exit code 0: nothing is to be changed; 1: something is, or must be accepted with a reason under
    `privacy: {accept: ...}` in the flow file; 2: the flow file itself is wrong. This is no legal advice.
    """
    from flowalpr.cli.check import record_of
    from flowalpr.flow.report import safe_to_show
    from flowalpr.privacy.check import findings

    found = findings(graph_of(flow, settings, without))
    problems, remarks = safe_to_show(found.problems), safe_to_show(found.remarks)
    if as_json:
        told = {"problems": [record_of(each) for each in problems], "remarks": [record_of(each) for each in remarks]}
        typer.echo(json.dumps({"ok": not problems, **told}))
    else:
        for each in (*problems, *remarks):
            typer.echo(f"{each}\n")
        many = f"{len(problems)} thing{'s' if len(problems) > 1 else ''} to change"
        typer.echo(f"flow: {many if problems else 'plates are sealed, encrypted on their way, and forgotten in time'}")
    if problems:
        sys.exit(1)


@app.command()
def purge(
    flow: Flow,
    settings: Settings = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is due.")] = False,
) -> None:
    """Delete what is due in the stores of a flow, and report it. A running flow does so by itself, a few at a time."""
    from datetime import datetime, timezone

    from flowalpr.storage import ReadStore
    from flowalpr.storage.audit import AuditLog
    from flowalpr.storage.caller import caller
    from flowalpr.storage.purging import Purger
    from flowalpr.storage.retention import Keep

    graph, now, found = graph_of(flow, settings, None), datetime.now(timezone.utc), False
    for name, node in graph.nodes.items():
        keep, address = getattr(node.node, "keep", None), getattr(node.node, "address", None)
        if not isinstance(keep, Keep) or address is None:
            continue
        found = True
        with ReadStore(address) as store:
            purger = Purger(store, keep)
            gone = purger.due(now) if dry_run else purger.purge(now)
        for (kind, which), count in gone.items():
            typer.echo(f"{name}: {which}: {count} {kind}s {'are due' if dry_run else 'deleted'}")
        if not dry_run:
            counts = {f"{which}, {kind}s": count for (kind, which), count in gone.items()}
            AuditLog().record("purge", caller(), about={"flow": graph.name, "store": name, **counts})
    if not found:
        typer.echo(f"no store of flow '{graph.name}' says for how long: see `flowalpr privacy check`")


@app.command()
def notice(flow: Flow, out: Out = None, settings: Settings = None) -> None:
    """Write the privacy notice for people whose plates are read: Markdown, or HTML if the file ends in .html."""
    from flowalpr.privacy.papers import notice as paper

    _hand_out(paper(graph_of(flow, settings, None)), out)


@app.command()
def dpia(flow: Flow, out: Out = None, settings: Settings = None) -> None:
    """Write the skeleton of a data protection impact assessment: Markdown, or HTML if the file ends in .html."""
    from flowalpr.privacy.papers import assessment

    _hand_out(assessment(graph_of(flow, settings, None)), out)


@app.command()
def retention(flow: Flow, out: Out = None, settings: Settings = None) -> None:
    """Write the table of what is kept where and for how long: Markdown, or HTML if the file ends in .html."""
    from flowalpr.privacy.papers import retention as paper

    _hand_out(paper(graph_of(flow, settings, None)), out)


@app.command()
def sign(flow: Flow, out: Out = None, settings: Settings = None) -> None:
    """Write the sign for the gate: a page of HTML, A4, to be printed by a browser."""
    from flowalpr.cli.output import write_or_print
    from flowalpr.privacy.sign import sign as page

    write_or_print(page(graph_of(flow, settings, None)), out)


def _hand_out(paper: Document, out: Path | None) -> None:
    from flowalpr.cli.output import write_or_print

    is_page = out is not None and out.suffix in (".html", ".htm")
    write_or_print(paper.page() if is_page else paper.markdown(), out)


def graph_of(flow: str, settings: list[str] | None, without: list[str] | None) -> Graph:
    """The checked flow, its nodes told their names and where they keep things.

    Raises:
        FlowError: it is wrong.
    """
    from flowalpr.flow.load import find_flow, load_flow
    from flowalpr.plugins import load_plugins

    graph = load_flow(find_flow(flow), load_plugins(without or ()), settings=by_name(settings))
    for node in graph.nodes.values():
        node.node.place(node.name, flow=graph.name)
    return graph
