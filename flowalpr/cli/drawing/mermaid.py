"""A flow in the language of Mermaid, which GitHub and many editors draw."""

from __future__ import annotations

from flowalpr.cli.drawing.links import Link, links, short
from flowalpr.engine.plan import Plan
from flowalpr.flow.graph import Graph


def mermaid(graph: Graph, plan: Plan) -> str:
    """The flow as a Mermaid flowchart: a box for each thread, thick wires between threads, dotted ones for faults."""
    ids = {name: f"n{number}" for number, name in enumerate(graph.nodes)}
    lines = ["flowchart LR"]
    for number, segment in enumerate(plan.segments):
        lines.append(f'  subgraph t{number}["thread {segment.name}: {segment.why}"]')
        lines += [f'    {ids[name]}["{name}<br/>{short(graph.nodes[name])}"]' for name in segment.nodes]
        lines.append("  end")
    for link in links(graph, plan):
        lines.append(f'  {ids[link.source]} {_arrow(link)}|"{link.label}"| {ids[link.target]}')
    return "\n".join(lines) + "\n"


def _arrow(link: Link) -> str:
    if link.faults:
        return "-.->"
    return "==>" if link.holds else "-->"
