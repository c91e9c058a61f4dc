"""A flow as a picture: threads as frames in columns, nodes with their ports inside, wires between."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape

from flowalpr.cli.drawing.links import Link, gives, links, short, takes
from flowalpr.engine.plan import Plan, SegmentPlan
from flowalpr.flow.graph import Graph

CHARACTER = 7.3
"""Width of a character in pixels: 12 px of a monospaced font, which is 0.6 em wide, and a little room."""
NODE_HEIGHT, NODE_GAP = 44.0, 14.0
PADDING, HEAD = 14.0, 26.0
COLUMN_GAP, CALL_GAP = 110.0, 72.0
"""Pixels between two threads, which leave room for what their wire carries, and between two nodes of one thread."""
COLOURS = {"Frame": "#2f6fb5", "Detections": "#c77700", "PlateRead": "#2e8540", "Fault": "#c0392b"}
OTHER_COLOUR = "#6b7280"
STYLE = (
    "text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#1f2937}"
    ".small{font-size:10px;fill:#6b7280}.name{font-weight:600}"
    ".halo{font-size:10px;paint-order:stroke;stroke:#fff;stroke-width:4px;stroke-linejoin:round}"
)


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A place on the page, in pixels."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.left + self.width

    @property
    def middle(self) -> float:
        """Half its height down."""
        return self.top + self.height / 2


def svg(graph: Graph, plan: Plan) -> str:
    """The flow as an SVG document."""
    wires = links(graph, plan)
    page = _Page(graph, plan, wires)
    width = max(frame.right for frame in page.frames.values()) + PADDING
    height = max(frame.top + frame.height for frame in page.frames.values()) + PADDING + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="img" aria-label="{escape(graph.name)}">',
        f'<style>{STYLE}</style><rect width="100%" height="100%" fill="#fff"/>',
        _text(PADDING, 20, graph.name, "name"),
    ]
    parts += [_frame(segment, page.frames[segment.name]) for segment in plan.segments]
    parts += [_wire(link, page.nodes) for link in wires]
    parts += [_node(graph, name, place) for name, place in page.nodes.items()]
    parts += [_label(link, page.nodes) for link in wires]
    legend = "thin: call within a thread · thick: wire to another thread · dashed: faults"
    return "\n".join([*parts, _text(PADDING, height - 10, legend, "small"), "</svg>"]) + "\n"


class _Page:
    """Where everything stands: threads in columns by their distance from the sources, nodes likewise within each."""

    def __init__(self, graph: Graph, plan: Plan, wires: list[Link]) -> None:
        self.frames: dict[str, Rectangle] = {}
        self.nodes: dict[str, Rectangle] = {}
        home = plan.segment_of()
        between = {(home[link.source], home[link.target]) for link in wires if home[link.source] != home[link.target]}
        columns = _columns([segment.name for segment in plan.segments], between)
        sizes = {segment.name: _Inside(graph, segment, wires) for segment in plan.segments}
        left = PADDING
        for column in columns:
            ordered = sorted(column, key=lambda name: self._height_of_feeders(name, between))
            top = PADDING + HEAD
            for name in ordered:
                inside = sizes[name]
                self.frames[name] = Rectangle(left, top, inside.width, inside.height)
                for node, place in inside.places.items():
                    self.nodes[node] = Rectangle(left + place.left, top + place.top, place.width, place.height)
                top += inside.height + NODE_GAP
            left += max(sizes[name].width for name in column) + COLUMN_GAP

    def _height_of_feeders(self, name: str, between: Iterable[tuple[str, str]]) -> float:
        """The mean height of what feeds a thread, so that wires cross little."""
        feeding = [self.frames[source].middle for source, target in between if target == name and source in self.frames]
        return sum(feeding) / len(feeding) if feeding else 0.0


class _Inside:
    """The nodes of one thread, placed from the frame's corner."""

    def __init__(self, graph: Graph, segment: SegmentPlan, wires: list[Link]) -> None:
        self.places: dict[str, Rectangle] = {}
        within = {(link.source, link.target) for link in wires if {link.source, link.target} <= set(segment.nodes)}
        left, bottom = PADDING, 0.0
        for column in _columns(segment.nodes, within):
            width = max(CHARACTER * max(len(name), len(short(graph.nodes[name]))) for name in column) + 2 * PADDING
            top = HEAD
            for name in column:
                self.places[name] = Rectangle(left, top, width, NODE_HEIGHT)
                top += NODE_HEIGHT + NODE_GAP
            bottom = max(bottom, top)
            left += width + CALL_GAP
        head = CHARACTER * len(_title(segment)) * 10 / 12 + 2 * PADDING
        self.width = max(left - CALL_GAP + PADDING, head)
        self.height = bottom - NODE_GAP + PADDING


def _columns(names: Iterable[str], wires: Iterable[tuple[str, str]]) -> list[list[str]]:
    """The names by their longest way from a beginning; each name comes after all that feed it."""
    pairs = list(wires)
    depth: dict[str, int] = {}
    for name in names:
        feeding = [depth[source] for source, target in pairs if target == name and source in depth]
        depth[name] = max(feeding, default=-1) + 1
    return [[name for name in depth if depth[name] == level] for level in range(max(depth.values()) + 1)]


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


def _wire(link: Link, nodes: Mapping[str, Rectangle]) -> str:
    source, target = nodes[link.source], nodes[link.target]
    bend = max(30.0, abs(target.left - source.right) / 2)
    path = (
        f"M{source.right:.1f} {source.middle:.1f} C{source.right + bend:.1f} {source.middle:.1f} "
        f"{target.left - bend:.1f} {target.middle:.1f} {target.left:.1f} {target.middle:.1f}"
    )
    dashes = ' stroke-dasharray="5 4"' if link.faults else ""
    thickness = 3 if link.holds and not link.faults else 1.5
    return f'<path d="{path}" fill="none" stroke="{_colour(link.carries)}" stroke-width="{thickness}"{dashes}/>'


def _label(link: Link, nodes: Mapping[str, Rectangle]) -> str:
    source, target = nodes[link.source], nodes[link.target]
    x, y = (source.right + target.left) / 2, (source.middle + target.middle) / 2
    lines = link.label.split(", ")
    spans = "".join(f'<tspan x="{x:.1f}" dy="{10 if n else 0}">{escape(line)}</tspan>' for n, line in enumerate(lines))
    top = y - 5 if len(lines) == 1 else y - 6
    return f'<text x="{x:.1f}" y="{top:.1f}" class="halo" text-anchor="middle">{spans}</text>'


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
