"""`flowalpr status`: how the running flows are, for people and scripts."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import typer

from flowalpr.cli.attach import DEFAULT_TOKEN, Authority, Host, Name, TokenPlace, asked, attached
from flowalpr.cli.options import AsJson

if TYPE_CHECKING:
    from rich.table import Table

    from flowalpr.telemetry.snapshot import FlowSnapshot


def status(
    name: Name = None,
    host: Host = None,
    token: TokenPlace = DEFAULT_TOKEN,
    authority: Authority = None,
    as_json: AsJson = False,
) -> None:
    """Show the flows that run on this machine, or one of them in full.

    Exit code 0 if the flow runs, 1 if it does not. With --json, snapshots: a list of them, or the one that was named.
    """
    if name is None and host is None:
        found = asked(_all())
        typer.echo(json.dumps({each: seen.model_dump(mode="json") for each, seen in found.items()})) if as_json else (
            _print_all(found)
        )
        return
    seen = asked(_one(name, host, token, authority))
    if as_json:
        typer.echo(seen.model_dump_json())
    else:
        _print_one(seen)


async def _all() -> dict[str, FlowSnapshot]:
    from flowalpr.control.client import Client, DoorError, flows

    found = {}
    for each in await flows():
        try:
            async with Client(each.socket) as client:
                found[each.name] = await client.snapshot()
        except DoorError:  # It has just ended.
            continue
    return found


async def _one(name: Name, host: Host, token: str, authority: Authority) -> FlowSnapshot:
    async with await attached(name, host, token, authority) as client:
        return await client.snapshot()


def _print_all(found: dict[str, FlowSnapshot]) -> None:
    if not found:
        typer.echo("no flow of this user runs on this machine")
        return
    from rich.console import Console

    table = _table("flow", "runs for", "frames", "reads", "dropped", "errors", "alerts", "amiss")
    for name, seen in found.items():
        table.add_row(name, *_cells(seen))
    Console().print(table, highlight=False)


def _print_one(seen: FlowSnapshot) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console()
    nodes = _table("node", "uses", "state", "in", "out", "waiting", "dropped", "errors", "p95 ms")
    for node in seen.nodes:
        counts = (node.taken, node.given, node.waiting, node.dropped, node.errors)
        nodes.add_row(node.name, node.uses, Text(node.state), *map(str, counts), f"{node.p95_ms:.1f}")
    cameras = _table("camera", "state", "fps", "dropped", "reconnects", "age s", "size", "decoder")
    for each in seen.cameras:
        age = "" if each.age_s is None else f"{each.age_s:.1f}"
        cells = (f"{each.fps:.1f}", str(each.dropped), str(each.reconnects), age, f"{each.width}x{each.height}")
        cameras.add_row(each.name, Text(each.state), *cells, each.decoder)
    console.print(f"{seen.flow}, for {_time(seen.seconds)}{', paused' if seen.paused else ''}", highlight=False)
    console.print(nodes, highlight=False)
    if seen.cameras:
        console.print(cameras, highlight=False)
    backlog = {sink.name: sink.backlog for sink in seen.sinks if sink.backlog}
    for what, figures in (("passages", seen.reasons), ("not yet sent", backlog)):
        if figures:
            told = ", ".join(f"{count} {name}" for name, count in figures.items())
            console.print(f"{what}: {told}", markup=False, highlight=False)
    if seen.alerts_open:
        console.print(f"{seen.alerts_open} alerts are open", style="red")


def _cells(seen: FlowSnapshot) -> list[str]:
    frames = sum(node.given for node in seen.nodes if node.kind == "source")
    reads = seen.reasons.get("read") or sum(node.given for node in seen.nodes if node.kind == "ocr")
    amiss = [f"{node.name}: {node.state}" for node in seen.nodes if node.state not in ("running", "live", "ended")]
    dropped, errors = (sum(counts) for counts in zip(*((n.dropped, n.errors) for n in seen.nodes), strict=True))
    return [_time(seen.seconds), *map(str, (frames, reads, dropped, errors, seen.alerts_open)), "; ".join(amiss)]


def _time(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))


def _table(*titles: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in titles:
        table.add_column(title)
    return table
