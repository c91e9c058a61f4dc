"""A flow as lines of text: each node below the one that feeds it."""

from __future__ import annotations

from collections.abc import Iterator

from flowalpr.cli.drawing.links import Link, links, ports, short
from flowalpr.engine.plan import Plan
from flowalpr.flow.graph import Graph


def tree(graph: Graph, plan: Plan) -> str:
    """The nodes of a flow as a tree, the threads that run them beside it."""
    drawing = _Tree(graph, plan)
    roots = [name for name, node in graph.nodes.items() if not node.inputs]
    rows = [row for name in roots for row in drawing.rows(name)]
    width = max(len(left) for left, _ in rows)
    lines = [f"{graph.name}  ({graph.path})", ""]
    lines += [f"{left:<{width}}   {right}".rstrip() for left, right in rows]
    lines += ["", "── call within a thread   ══ wire to another thread"]
    return "\n".join(lines) + "\n"


class _Tree:
    def __init__(self, graph: Graph, plan: Plan) -> None:
        self._graph = graph
        self._links = links(graph, plan)
        self._home = plan.segment_of()
        self._why = {segment.name: segment.why for segment in plan.segments}
        self._seen: set[str] = set()

    def rows(self, name: str, link: Link | None = None, lead: str = "", follow: str = "") -> Iterator[tuple[str, str]]:
        """What stands left and right in the lines of a node and of all that it feeds."""
        node = self._graph.nodes[name]
        again = name in self._seen
        self._seen.add(name)
        said = f"{name}, see above" if again else f"{name}  {short(node)}: {ports(node)}"
        buffer = f"  [{link.label.partition(', ')[2]}]" if link and link.holds else ""
        segment = self._home[name]
        thread = f"thread {segment}" + (f" ({self._why[segment]})" if segment == name else "")
        yield f"{lead}{said}{buffer}", "" if again else thread
        if again:
            return
        onward = [each for each in self._links if each.source == name and not each.faults]
        for each in onward:
            last = each is onward[-1]
            corner = ("╘" if last else "╞") + "══ " if each.holds else ("└" if last else "├") + "── "
            below = follow + ("    " if last else "│   ")
            yield from self.rows(each.target, each, follow + corner, below)
        for each in self._links:
            if each.faults and each.source == name:
                yield f"{follow}faults to {each.target}", ""
