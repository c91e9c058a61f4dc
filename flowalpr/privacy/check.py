"""Whether a flow treats plates as the law wants it in most places: what leaves it, where to, and for how long.

It judges what nodes say of themselves (`Node.exposes`), and wants a person to say why where that is not enough. It
knows no law; a flow that passes may still be unlawful where it runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from flowalpr.errors import Place, Problem
from flowalpr.exposure import Exposure
from flowalpr.flow.graph import FlowNode, Graph
from flowalpr.messages import Detections, Frame, Tick

PLATELESS = (Tick, Frame, Detections)
"""Messages whose records hold no plate; what a node does with their pictures, it says itself."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A node that lets plates get somewhere."""

    node: FlowNode
    exposure: Exposure
    accepted: str = ""
    """Why a person accepts it, if it has a fault."""


@dataclass
class Findings:
    """What a check found."""

    problems: list[Problem] = field(default_factory=list)
    """What must be changed, or accepted with a reason."""
    remarks: list[Problem] = field(default_factory=list)
    """What a person should know and need not change."""
    spots: list[Spot] = field(default_factory=list)
    """All places that plates get to, in the order of the flow."""

    @property
    def longest(self) -> timedelta | None:
        """For how long anything is kept at most; None if that is not known."""
        periods = [each.exposure.longest for each in self.spots if each.exposure.how == "kept"]
        known = [each for each in periods if each is not None]
        return max(known, default=timedelta(0)) if len(known) == len(periods) else None


def findings(graph: Graph) -> Findings:
    """What is to be said of a flow."""
    found = Findings()
    for node in graph.nodes.values():
        if _gets_plates(graph, node):
            _judge(graph, node, found)
    if not any((graph.privacy.controller, graph.privacy.purposes)):
        what = f"flow '{graph.name}' does not say who reads plates and what for"
        fix = "add  privacy: {controller: ..., contact: ..., purposes: [...]}; `flowalpr privacy notice` is made of it"
        found.remarks.append(Problem(what, fix=fix, place=Place(str(graph.path or ""), 0, 0)))
    return found


def _gets_plates(graph: Graph, node: FlowNode) -> bool:
    """Whether anything that holds a plate reaches the node; sources hold none yet."""
    given = (graph.nodes[each].gives for each in node.inputs)
    return any(each is None or not issubclass(each, PLATELESS) for each in given) or graph.catches(node.name)


def _judge(graph: Graph, node: FlowNode, found: Findings) -> None:
    exposures = node.node.exposes()
    reason = graph.privacy.accept.get(node.name, "")
    subject = f"node '{node.name}' ({node.uses.partition('.')[2] or node.uses})"
    if exposures is None:
        if node.gives is None and not reason:
            fix = f"ask its author for `exposes`, or say why:  privacy: {{accept: {{{node.name}: ...}}}}"
            what = f"{subject} does not say where plates get to"
            found.problems.append(Problem(what, "a node that says so", fix, _place(node)))
        elif node.gives is None:
            found.spots.append(Spot(node, Exposure("sent", "a place that the node does not name", "unknown"), reason))
        return
    for each in exposures:
        found.spots.append(Spot(node, each, reason if each.fault else ""))
        if not each.fault:
            continue
        what = f"{subject}: plates are {each.how} ({each.where}), but {each.fault}"
        place = _place(node, each.setting)
        if reason:
            found.remarks.append(Problem(f"{what}; accepted: {reason}", place=place))
        else:
            fix = f"{each.fix}; or say why not:  privacy: {{accept: {{{node.name}: ...}}}}"
            found.problems.append(Problem(what, fix=fix, place=place))


def _place(node: FlowNode, setting: str = "") -> Place | None:
    return node.places.get(setting) or node.places.get("")
