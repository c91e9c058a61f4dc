"""What a run amounts to, told at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import Console

    from flowalpr.telemetry.snapshot import FlowSnapshot, NodeSnapshot


def print_summary(snapshot: FlowSnapshot, console: Console) -> None:
    """Frames, rate, plates, and a table with a row a node."""
    console.print()
    console.print(headline(snapshot), style="bold", highlight=False)
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("node")
    table.add_column("uses")
    for title in ("in", "out", "dropped", "errors", "busy", "p50 ms", "p95 ms", "p99 ms"):
        table.add_column(title, justify="right")
    for node in snapshot.nodes:
        table.add_row(*_cells(node, _seconds(node, snapshot)))
    console.print(table)
    for node in snapshot.nodes:
        if node.since is not None:
            since = f"{node.since.astimezone():%H:%M:%S}"
            console.print(f"{node.name}: counted since {since}, when the flow was changed", markup=False, style="dim")
    for node in snapshot.nodes:
        counts = [f"{number} {what}" for what, number in node.tallies.items() if number]
        said = ", ".join([*counts, *(f"{what} {words}" for what, words in node.notes.items())])
        if said:
            console.print(f"{node.name}: {said}", markup=False, highlight=False)
    for node in snapshot.nodes:
        if node.errors:
            console.print(f"{node.name}: {node.errors} errors, the last: {node.last_error}", style="red", markup=False)


def headline(snapshot: FlowSnapshot) -> str:
    """The run in one line."""
    frames = sum(node.given for node in snapshot.nodes if node.kind == "source")
    passages = [node.tallies["read"] for node in snapshot.nodes if "read" in node.tallies]
    reads = sum(passages) if passages else sum(node.given for node in snapshot.nodes if node.kind == "ocr")
    dropped = sum(node.dropped for node in snapshot.nodes)
    rate = frames / snapshot.seconds if snapshot.seconds else 0.0
    parts = [
        f"{frames} frames in {snapshot.seconds:.1f} s ({rate:.1f} a second)",
        f"{reads} {'passages' if passages else 'plates'} read",
    ]
    return f"{snapshot.flow}: " + ", ".join([*parts, f"{dropped} messages dropped"])


def _seconds(node: NodeSnapshot, snapshot: FlowSnapshot) -> float:
    """For how long it has been counted."""
    return snapshot.seconds if node.since is None else (snapshot.time - node.since).total_seconds()


def _cells(node: NodeSnapshot, seconds: float) -> list[str | Text]:
    share = node.busy_ms / 10 / seconds if seconds else 0.0
    times = [f"{value:.2f}" for value in (node.p50_ms, node.p95_ms, node.p99_ms)]
    if node.kind == "source":
        return [node.name, node.uses, "", str(node.given), "", _errors(node), "", "", "", ""]
    out = "" if node.kind == "sink" else str(node.given)
    return [node.name, node.uses, str(node.taken), out, str(node.dropped), _errors(node), f"{share:.0f} %", *times]


def _errors(node: NodeSnapshot) -> Text:
    return Text(str(node.errors), style="red" if node.errors else "")
