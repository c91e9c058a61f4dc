"""The flow: drawn as boxes and wires where it fits, else told as a tree with a table beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from flowalpr.telemetry.snapshot import FlowSnapshot, NodeSnapshot
from flowalpr.tui.pages.drawing import Drawing
from flowalpr.tui.pages.node import digest
from flowalpr.tui.seen import Seen, View, matches
from flowalpr.tui.sheet import Column, Piece, Row, Sheet, table
from flowalpr.tui.words import rate, some, state_tone, took

COLUMNS = (
    Column("node", 22, grows=2),
    Column("uses", 11, spare=2, grows=1),
    Column("in/s", 5, right=True),
    Column("out/s", 5, right=True),
    Column("wait", 5, right=True),
    Column("dropped", 7, right=True),
    Column("errors", 6, right=True),
    Column("p95", 7, right=True),
    Column("busy", 5, right=True, spare=1),
    Column("state", 12, grows=2),
)

PREVIEW = 6
"""Lines that must be free for the chosen node to be shown below."""


def flow(seen: Seen, view: View, width: int, height: int) -> Sheet:
    """The whole flow."""
    snapshot = seen.now
    if snapshot is None:
        return Sheet()
    if view.drawn is not False and not view.wanted:
        drawing = Drawing(snapshot, width)
        if view.drawn or (drawing.width <= width and drawing.height <= height):
            return _with_chosen(drawing.sheet(seen, view.chosen), seen, view, (width, height))
    return _with_chosen(_told(seen, snapshot, view, width), seen, view, (width, height))


def _with_chosen(sheet: Sheet, seen: Seen, view: View, room: tuple[int, int]) -> Sheet:
    """The chosen node below, where there is room for it."""
    width, height = room
    left = height - len(sheet.head) - len(sheet.rows) - 1
    nodes = seen.now.nodes if seen.now else ()
    chosen = next((each for each in nodes if each.name == view.chosen), nodes[0] if nodes else None)
    if left < PREVIEW or chosen is None:
        return sheet
    below = [Row(()), *digest(seen, chosen, width)]
    return replace(sheet, rows=(*sheet.rows, *below[: left + 1]))


def _told(seen: Seen, snapshot: FlowSnapshot, view: View, width: int) -> Sheet:
    given, taken = seen.history.rates("given"), seen.history.rates("taken")
    lost, failed = seen.history.rates("dropped"), seen.history.rates("errors")
    busy = seen.history.rates("busy_ms")
    rows: list[tuple[str, list[Piece | str]]] = []
    for branch, each in _tree(snapshot):
        if not matches(view.wanted, each.name, each.uses, each.state):
            continue
        name = each.name
        cells: list[Piece | str] = [
            (("" if view.wanted else branch) + name, "strong" if each.kind == "source" else ""),
            (each.uses.rpartition(".")[2], "dim"),
            rate(taken[name]) if each.kind != "source" else "",
            rate(given[name]) if each.kind != "sink" else "",
            (some(each.waiting), "accent"),
            (some(each.dropped), "warn" if lost[name] else "dim"),
            (some(each.errors), "bad" if failed[name] else "warn"),
            (took(each.p95_ms), "dim"),
            (f"{min(100.0, busy[name] / 10):.0f} %" if busy[name] >= 5 else "", "dim"),
            (each.state, state_tone(each.state)),
        ]
        rows.append((name, cells))
    return table(COLUMNS, rows, width)


def _tree(snapshot: FlowSnapshot) -> Iterator[tuple[str, NodeSnapshot]]:
    """Each node below the first that feeds it, with the branches that lead to it."""
    nodes = {node.name: node for node in snapshot.nodes}
    below: dict[str, list[str]] = {"": []}
    for node in snapshot.nodes:
        feeder = next((name for name in node.inputs if name in nodes), "")
        below.setdefault(feeder, []).append(node.name)

    def walk(name: str, lead: str) -> Iterator[tuple[str, NodeSnapshot]]:
        fed = below.get(name, [])
        for each in fed:
            last = each is fed[-1]
            others = len(nodes[each].inputs) > 1
            yield lead + ("╰" if last else "├") + ("╴" if not others else "◂"), nodes[each]
            # A line of nodes needs no step to the right: only where the flow branches does the tree grow deeper.
            yield from walk(each, lead + ("  " if last else "│ "))

    for name in below[""]:
        yield "", nodes[name]
        yield from walk(name, "")
