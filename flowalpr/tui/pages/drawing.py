"""A flow as boxes and wires, with what happens in them now."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from flowalpr.layers import Layers, Rectangle, depths
from flowalpr.telemetry.snapshot import FlowSnapshot, NodeSnapshot
from flowalpr.tui.canvas import Canvas
from flowalpr.tui.seen import Seen
from flowalpr.tui.sheet import Row, Sheet, fit
from flowalpr.tui.words import count, rate, shortened, state_tone, took

SLIM, WIDTH, HEIGHT = 16, 18, 4
"""Of a box, in cells: its width where there is little room, and where there is enough."""
NARROW, WIDE = 4, 12
"""Cells between two columns of boxes, at least and at most."""


class Drawing:
    """Where the boxes and wires of a flow stand."""

    def __init__(self, snapshot: FlowSnapshot, width: int) -> None:
        """Draws them as far apart as `width` allows."""
        self._nodes = {node.name: node for node in snapshot.nodes}
        self._wires = [(name, node.name) for node in snapshot.nodes for name in node.inputs if name in self._nodes]
        names = _in_order(snapshot.nodes)
        columns = max(depths(names, self._wires).values(), default=0) + 1
        gaps = max(1, columns - 1)
        self._box = WIDTH if columns * WIDTH + gaps * NARROW + 2 <= width else SLIM
        self._across = min(WIDE, max(NARROW, (width - 2 - columns * self._box) // gaps))
        sizes = {name: (float(self._box), float(HEIGHT)) for name in names}
        layers = Layers(sizes, self._wires, across=self._across, down=1, lane=1)
        self.places = layers.places
        self._lanes = layers.lanes
        everything = [*self.places.values(), *(lane for lanes in self._lanes.values() for lane in lanes)]
        self.width = int(max(place.right for place in everything)) + 2
        self.height = int(max(place.bottom for place in everything))

    def sheet(self, seen: Seen, chosen: str | None) -> Sheet:
        """The drawing with the rates of now."""
        canvas = Canvas(self.width, self.height)
        given, taken = seen.history.rates("given"), seen.history.rates("taken")
        lost, failed = seen.history.rates("dropped"), seen.history.rates("errors")
        trunks = self._trunks()
        for source, target in sorted(self._wires, key=lambda wire: given[wire[0]] > 0):  # What flows is drawn last.
            self._wire(canvas, source, target, trunks, "flow" if given[source] > 0 else "wire")
        boxes = {}
        for name, node in self._nodes.items():
            place = self.places[name]
            x, y = int(place.left) + 1, int(place.top)
            pace = given[name] if node.kind == "source" else taken[name]
            _frame(canvas, place, node, name == (chosen or next(iter(self._nodes))))
            _figures(canvas, place, node, pace, (lost[name], failed[name]))
            if node.waiting and node.kind != "source":
                label = count(node.waiting)
                canvas.text(x - 1 - len(label), y + 1, label, "warn" if lost[name] else "accent")
            boxes[name] = (x, y, self._box, HEIGHT)
        return Sheet(tuple(Row(line) for line in canvas.lines()), boxes=boxes)

    def _trunks(self) -> dict[str, int]:
        """How many cells right of its box each node's wires turn: another column for each where they could meet."""
        columns: dict[float, list[str]] = {}
        for source in dict.fromkeys(source for source, _ in self._wires):
            columns.setdefault(self.places[source].left, []).append(source)
        room = self._across - 2
        found = {}
        for names in columns.values():
            for number, name in enumerate(sorted(names, key=lambda each: self.places[each].top)):
                found[name] = 1 + (len(names) - 1 - number) % room if len(names) > 1 else (room + 1) // 2
        return found

    def _wire(self, canvas: Canvas, source: str, target: str, trunks: dict[str, int], tone: str) -> None:
        way = [self.places[source], *self._lanes.get((source, target), []), self.places[target]]
        for first, second in pairwise(way):
            start, end = int(first.right), int(second.left)
            y, to_y = _port(first), _port(second)
            turn = start + trunks[source]
            canvas.line([(start, y), (turn, y), (turn, to_y), (end, to_y)], tone)
            if second is way[-1]:
                canvas.text(end, to_y, "▶", tone)
            else:
                canvas.line([(end, to_y), (int(second.right), to_y)], tone)


def _in_order(nodes: Iterable[NodeSnapshot]) -> list[str]:
    """Names, each after those that feed it."""
    left = {node.name: set(node.inputs) for node in nodes}
    found: list[str] = []
    while left:
        ready = [name for name, inputs in left.items() if not inputs & left.keys()]
        for name in ready or list(left):  # A loop cannot be; should one be told, it is drawn all the same.
            found.append(name)
            del left[name]
    return found


def _port(place: Rectangle) -> int:
    """The line in which a wire reaches a box or passes along a lane."""
    return int(place.top) + (1 if place.height > 1 else 0)


def _frame(canvas: Canvas, place: Rectangle, node: NodeSnapshot, is_chosen: bool) -> None:
    tone = state_tone(node.state)
    edge = "accent" if is_chosen else {"bad": "bad", "warn": "warn"}.get(tone, "wire")
    x, y, right, bottom = int(place.left) + 1, int(place.top), int(place.right), int(place.bottom) - 1
    canvas.line([(x, y), (right, y), (right, bottom), (x, bottom), (x, y)], edge)
    if is_chosen:
        for at in range(x, right + 1):
            canvas.text(at, y, "━" if x < at < right else "┏" if at == x else "┓", edge)
            canvas.text(at, bottom, "━" if x < at < right else "┗" if at == x else "┛", edge)
        for at in range(y + 1, bottom):
            canvas.text(x, at, "┃", edge)
            canvas.text(right, at, "┃", edge)
    canvas.text(x + 2, y, f" {shortened(node.name, right - x - 5)} ", "strong")


def _figures(canvas: Canvas, place: Rectangle, node: NodeSnapshot, pace: float, troubles: tuple[float, float]) -> None:
    x, y = int(place.left) + 3, int(place.top) + 1
    room = int(place.width) - 4
    canvas.text(x, y, fit(f"{rate(pace) or '0'}/s", 6), "" if pace else "dim")
    canvas.text(x + 6, y, took(node.p95_ms).rjust(room - 6), "dim")
    lost, failed = troubles
    trouble, tone = "", ""
    if node.errors:
        trouble, tone = f"✗{count(node.errors)}", "bad" if failed else "warn"
    elif node.dropped:
        trouble, tone = f"↓{count(node.dropped)}", "warn" if lost else "dim"
    state = shortened(node.state, room - len(trouble) - 1)
    canvas.text(x, y + 1, state, state_tone(node.state))
    canvas.text(x + room - len(trouble), y + 1, trouble, tone)
