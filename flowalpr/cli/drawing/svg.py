"""A flow as a picture: threads as frames in columns, nodes with their ports inside, wires between."""

from __future__ import annotations

from html import escape
from itertools import pairwise

from flowalpr.cli.drawing.links import Link, gives, links, short, takes
from flowalpr.engine.plan import Plan, SegmentPlan
from flowalpr.flow.graph import Graph
from flowalpr.layers import Layers, Rectangle

CHARACTER = 7.3
"""Width of a character in pixels: 12 px of a monospaced font, which is 0.6 em wide, and a little room."""
NODE_HEIGHT, NODE_GAP = 44.0, 14.0
PADDING, HEAD = 14.0, 26.0
COLUMN_GAP, CALL_GAP = 110.0, 72.0
"""Pixels between two threads, which leave room for what their wire carries, and between two nodes of one thread."""
LANE = 18.0
"""Height in pixels of the room for a wire that passes a column by."""
COLOURS = {"Frame": "#2f6fb5", "Detections": "#c77700", "PlateRead": "#2e8540", "Fault": "#c0392b"}
OTHER_COLOUR = "#6b7280"
_EXIT = "(exit)"
"""Stands to the right of a thread's nodes for whatever its wires lead to; no node can bear that name."""
STYLE = (
    "text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#1f2937}"
    ".small{font-size:10px;fill:#6b7280}.name{font-weight:600}"
    ".halo{font-size:10px;paint-order:stroke;stroke:#fff;stroke-width:4px;stroke-linejoin:round}"
)


def svg(graph: Graph, plan: Plan) -> str:
    """The flow as an SVG document."""
    wires = links(graph, plan)
    page = _Page(graph, plan, wires)
    width = max(frame.right for frame in page.frames.values()) + PADDING
    height = page.bottom + PADDING + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="img" aria-label="{escape(graph.name)}">',
        f'<style>{STYLE}</style><rect width="100%" height="100%" fill="#fff"/>',
        _text(PADDING, 20, graph.name, "name"),
    ]
    parts += [_frame(segment, page.frames[segment.name]) for segment in plan.segments]
    parts += [_wire(link, page.way(link)) for link in wires]
    parts += [_node(graph, name, place) for name, place in page.nodes.items()]
    parts += [_label(link, page.way(link)) for link in wires]
    legend = "thin: call within a thread · thick: wire to another thread · dashed: faults"
    return "\n".join([*parts, _text(PADDING, height - 10, legend, "small"), "</svg>"]) + "\n"


class _Page:
    """Where everything stands: threads in columns by their distance from the sources, nodes likewise within each."""

    def __init__(self, graph: Graph, plan: Plan, wires: list[Link]) -> None:
        self.frames: dict[str, Rectangle] = {}
        self.nodes: dict[str, Rectangle] = {}
        self._home = plan.segment_of()
        self._lanes: dict[tuple[str, str], list[Rectangle]] = {}
        inside = {segment.name: _Inside(graph, segment, wires) for segment in plan.segments}
        sizes = {name: (each.width, each.height) for name, each in inside.items()}
        between = [(self._home[link.source], self._home[link.target]) for link in wires if link.holds]
        layers = Layers(sizes, between, across=COLUMN_GAP, down=NODE_GAP, lane=LANE)
        for name, frame in layers.places.items():
            self.frames[name] = frame.moved(PADDING, PADDING + HEAD)
            corner = self.frames[name].left, self.frames[name].top
            self.nodes |= {node: place.moved(*corner) for node, place in inside[name].places.items()}
            self._lanes |= {wire: [lane.moved(*corner) for lane in lanes] for wire, lanes in inside[name].lanes.items()}
        for wire, lanes in layers.lanes.items():
            self._lanes[wire] = [lane.moved(PADDING, PADDING + HEAD) for lane in lanes]

    @property
    def bottom(self) -> float:
        """Where the lowest frame or lane ends."""
        lanes = [lane for lanes in self._lanes.values() for lane in lanes]
        return max(place.bottom for place in [*self.frames.values(), *lanes])

    def way(self, link: Link) -> list[Rectangle]:
        """What a wire passes from its source to its target, both included."""
        home, other = self._home[link.source], self._home[link.target]
        if home == other:
            lanes = self._lanes.get((link.source, link.target), [])
        else:
            lanes = self._lanes.get((link.source, _EXIT), []) + self._lanes.get((home, other), [])
        return [self.nodes[link.source], *lanes, self.nodes[link.target]]


class _Inside:
    """The nodes of one thread, placed from the frame's corner."""

    def __init__(self, graph: Graph, segment: SegmentPlan, wires: list[Link]) -> None:
        inside = set(segment.nodes)
        out = [(link.source, _EXIT) for link in wires if link.source in inside and link.target not in inside]
        within = [(link.source, link.target) for link in wires if {link.source, link.target} <= inside]
        sizes = {name: (_width(graph, name), NODE_HEIGHT) for name in segment.nodes}
        layers = Layers(sizes | {_EXIT: (0.0, 0.0)}, within + out, across=CALL_GAP, down=NODE_GAP, lane=LANE, end=_EXIT)
        del layers.places[_EXIT]
        self.places = {name: place.moved(PADDING, HEAD) for name, place in layers.places.items()}
        self.lanes = {wire: [lane.moved(PADDING, HEAD) for lane in lanes] for wire, lanes in layers.lanes.items()}
        all_places = [*self.places.values(), *(lane for lanes in self.lanes.values() for lane in lanes)]
        head = CHARACTER * len(_title(segment)) * 10 / 12 + 2 * PADDING
        self.width = max(max(place.right for place in self.places.values()) + PADDING, head)
        self.height = max(place.bottom for place in all_places) + PADDING


def _width(graph: Graph, name: str) -> float:
    return CHARACTER * max(len(name), len(short(graph.nodes[name]))) + 2 * PADDING


def _title(segment: SegmentPlan) -> str:
    return f"{segment.name} · {segment.why}"


def _frame(segment: SegmentPlan, place: Rectangle) -> str:
    box = _box(place, 'rx="8" fill="#f3f4f6" stroke="#d1d5db"')
    return box + _text(place.left + PADDING, place.top + 17, _title(segment), "small")


def _node(graph: Graph, name: str, place: Rectangle) -> str:
    node = graph.nodes[name]
    parts = [
        _box(place, 'rx="5" fill="#fff" stroke="#9ca3af"'),
        _text(place.left + PADDING, place.top + 19, name, "name"),
        _text(place.left + PADDING, place.top + 34, short(node), "small"),
    ]
    if takes(node):
        parts.append(_port(place.left, place.middle, takes(node), "takes"))
    if gives(node):
        parts.append(_port(place.right, place.middle, gives(node), "gives"))
    return "".join(parts)


def _wire(link: Link, way: list[Rectangle]) -> str:
    path = f"M{way[0].right:.1f} {way[0].middle:.1f}"
    for first, second in pairwise(way):
        bend = max(24.0, abs(second.left - first.right) / 2)
        path += f" C{first.right + bend:.1f} {first.middle:.1f} {second.left - bend:.1f} {second.middle:.1f}"
        path += f" {second.left:.1f} {second.middle:.1f}"
        if second is not way[-1]:
            path += f" L{second.right:.1f} {second.middle:.1f}"
    dashes = ' stroke-dasharray="5 4"' if link.faults else ""
    thickness = 3 if link.holds and not link.faults else 1.5
    return f'<path d="{path}" fill="none" stroke="{_colour(link.carries)}" stroke-width="{thickness}"{dashes}/>'


def _label(link: Link, way: list[Rectangle]) -> str:
    """What a wire carries and holds: above its widest lane or, if it has none, around it near its source."""
    if link.faults:
        return ""
    if lanes := way[1:-1]:
        lane = max(lanes, key=lambda each: each.width)
        return _halo((lane.left + lane.right) / 2, lane.middle - 5, link.label)
    first, second = way
    part = 0.5 if abs(first.middle - second.middle) < 1 else 0.36
    rest = 1 - part
    middle = (first.right + second.left) / 2
    x = first.right * rest**3 + 3 * middle * rest * part + second.left * part**3
    y = first.middle + (second.middle - first.middle) * (3 * part**2 - 2 * part**3)
    carries, _, holds = link.label.partition(", ")
    return _halo(x, y - 6, carries) + (_halo(x, y + 14, holds) if holds else "")


def _halo(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="halo" text-anchor="middle">{escape(text)}</text>'


def _port(x: float, y: float, carries: str, title: str) -> str:
    circle = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{_colour(carries)}" stroke="#fff">'
    return f"{circle}<title>{title} {escape(carries)}</title></circle>"


def _colour(carries: str) -> str:
    return COLOURS.get(carries, OTHER_COLOUR)


def _box(place: Rectangle, look: str) -> str:
    return (
        f'<rect x="{place.left:.1f}" y="{place.top:.1f}" width="{place.width:.1f}" height="{place.height:.1f}" {look}/>'
    )


def _text(x: float, y: float, text: str, look: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{look}">{escape(text)}</text>'
