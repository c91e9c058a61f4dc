"""Checks what is wired to what: names, types along every wire, loops, and nodes that nothing feeds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from flowalpr.errors import Place, Problem
from flowalpr.messages import Fault, Message
from flowalpr.node import Ports
from flowalpr.plugins import Catalogue, Offer

Given = frozenset[type[Message]]
"""The message classes that can come out of a node."""


@dataclass(frozen=True, slots=True)
class Wire:
    """One node that is fed by another: the other's name, and where the flow file says so."""

    source: str
    place: Place
    said: str = ""
    """The name as the flow file says it, where that is not the node's own."""


@dataclass(frozen=True, slots=True)
class Wired:
    """A node with the wires that lead to it."""

    name: str
    offer: Offer | None
    """None if it is not known what the node is."""
    place: Place
    wires: tuple[Wire, ...]
    on_error: Wire | None = None
    fed: bool = True
    """Whether the file wires anything to it, be it rightly."""

    @property
    def ports(self) -> Ports | None:
        """What it takes and gives, if that is known."""
        return self.offer.node.ports() if self.offer else None

    def __str__(self) -> str:
        return f"node '{self.name}'" + (f" ({self.offer.name})" if self.offer else "")


class Wiring:
    """The nodes of a whole flow, subflows included, and what is known about the wires between them."""

    def __init__(self, nodes: Iterable[Wired], catalogue: Catalogue) -> None:
        self.nodes = {node.name: node for node in nodes}
        self.problems: list[Problem] = []
        self._catalogue = catalogue
        self._caught: dict[str, list[tuple[Wired, Wire]]] = {name: [] for name in self.nodes}
        for node in self.nodes.values():
            if node.on_error:
                self._caught[node.on_error.source].append((node, node.on_error))
        self._fed: dict[str, set[str]] = {name: set() for name in self.nodes}
        for name in self.nodes:
            for feeder in self._feeders(name):
                self._fed[feeder].add(name)
        self.order = self._in_order()
        self.given: dict[str, Given] = {}
        """What each node gives as it is wired; nothing for a sink, missing where it is not known."""
        for name in self.order:
            self._check(self.nodes[name])
        for node in self.nodes.values():
            self._check_feeding(node)

    def _in_order(self) -> list[str]:
        """The names, each after all that feed it, without those in or behind a loop."""
        sorter = TopologicalSorter[str]()
        for name in self.nodes:
            sorter.add(name)  # First all of them, so that the order of the file decides between equals.
        for name in self.nodes:
            sorter.add(name, *self._feeders(name))
        try:
            sorter.prepare()
        except CycleError:
            self._report_loops()
        order: list[str] = []
        while sorter.is_active() and (ready := sorter.get_ready()):
            order += ready
            sorter.done(*ready)
        return order

    def _feeders(self, name: str) -> list[str]:
        """Whatever messages or faults come from."""
        return [wire.source for wire in self.nodes[name].wires] + [node.name for node, _ in self._caught[name]]

    def _report_loops(self) -> None:
        import networkx as nx  # Here, since its import takes longer than checking a sound flow.

        graph: nx.DiGraph[str] = nx.DiGraph()
        graph.add_edges_from((feeder, name) for name in self.nodes for feeder in self._feeders(name))
        for part in nx.strongly_connected_components(graph):
            inside = graph.subgraph(part)
            if inside.number_of_edges():
                first = min(part, key=list(self.nodes).index)
                loop = [edge[0] for edge in nx.find_cycle(inside, source=first)]
                self.problems.append(self._loop(loop))

    def _loop(self, names: list[str]) -> Problem:
        first, last = self.nodes[names[0]], self.nodes[names[-1]]
        places = [wire.place for wire in first.wires if wire.source == last.name]
        places += [wire.place for node, wire in self._caught[first.name] if node is last]
        way = " -> ".join(f"'{name}'" for name in (*names, names[0]))
        return Problem(f"messages would go round in a loop: {way}", fix="take one of these wires out", place=places[0])

    def _check(self, node: Wired) -> None:
        ports = node.ports
        if ports is None:
            return
        taken: set[type[Message]] = set()
        known = True
        for wire in node.wires:
            given = self.given.get(wire.source)
            if given is None:
                known = False
            elif not given:
                known = False
                self.problems.append(self._from_sink(node, wire))
            elif ports.takes and (wrong := [each for each in sorted(given, key=_name) if not ports.accepts(each)]):
                known = False
                self.problems.append(self._misfit(node, ports, wire, wrong[0]))
            else:
                taken |= given
        for other, wire in self._caught[node.name]:
            if ports.accepts(Fault):
                taken.add(Fault)
            else:
                self.problems.append(self._no_catch(other, wire, node, ports))
        if not ports.takes:
            self.given[node.name] = frozenset((ports.gives,) if ports.gives else ())
        elif known or not ports.same:
            outs = {ports.given(each) for each in taken or ports.takes}
            self.given[node.name] = frozenset(each for each in outs if each)

    def _check_feeding(self, node: Wired) -> None:
        ports = node.ports
        caught = self._caught[node.name]
        if ports is None:
            return
        if not ports.takes and (node.wires or caught):
            place = node.wires[0].place if node.wires else node.place
            what = f"{node} is a source and takes nothing in"
            self.problems.append(Problem(what, "no `from`", "remove the wire to it", place))
        elif ports.takes and not node.fed and not caught:
            if ports.takes == (Fault,):
                expected, fix = "another node that sends its faults here", f"add  on_error: {node.name}  to that node"
            else:
                expected = f"`from:` with a node that gives {_names(ports.takes)}"
                fix = f"add  from: {self._feeder(node, ports)}"
            self.problems.append(Problem(f"nothing feeds {node}", expected, fix, node.place))

    def _feeder(self, node: Wired, ports: Ports) -> str:
        """The last node of this flow that could feed that one, or dots."""
        fitting = [name for name in self._could_feed(node, ports) if name in self.given]
        return fitting[-1] if fitting else "..."

    def _could_feed(self, node: Wired, ports: Ports) -> list[str]:
        """The nodes of this flow that give what those ports take and are not themselves fed by that node."""
        behind, rest = {node.name}, [node.name]
        while rest:
            new = self._fed[rest.pop()] - behind
            behind |= new
            rest += new
        others = {name: each.ports for name, each in self.nodes.items() if name not in behind}
        return [
            name for name, each in others.items() if each and not each.same and each.gives and ports.accepts(each.gives)
        ]

    def _from_sink(self, node: Wired, wire: Wire) -> Problem:
        sink = self.nodes[wire.source]
        what = f"{node}: '{wire.said or wire.source}' is a sink and gives nothing"
        feeders = " and ".join(f"'{each.said or each.source}'" for each in sink.wires)
        return Problem(what, fix=f"receive from what feeds it: {feeders}" if feeders else "", place=wire.place)

    def _misfit(self, node: Wired, ports: Ports, wire: Wire, given: type[Message]) -> Problem:
        uses = node.offer.name if node.offer else ""
        what = f"{node}: '{wire.said or wire.source}' gives {_name(given)}, but '{uses}' takes {_names(ports.takes)}"
        here = [repr(name) for name in self._could_feed(node, ports)[:3]]
        ways = [f"receive from {' or '.join(here)}"] if here else []
        bridge = bridges(self._catalogue, given, ports)
        if bridge:
            ways.append(f"put {bridge} between them")
        return Problem(what, f"a node that gives {_names(ports.takes)}", ", or ".join(ways), wire.place)

    def _no_catch(self, failing: Wired, wire: Wire, node: Wired, ports: Ports) -> Problem:
        takes = f"takes {_names(ports.takes)}" if ports.takes else "takes nothing"
        what = f"{failing}: its faults cannot go to '{node.name}', which {takes}"
        catches = [each.name for each in self.nodes.values() if each.ports and each.ports.accepts(Fault)]
        fix = f"on_error: {catches[0]}" if catches else "`flowalpr nodes` lists what each node takes"
        return Problem(what, "skip, stop, or a node that takes Fault", fix, wire.place)


def bridges(catalogue: Catalogue, given: type[Message], ports: Ports) -> str:
    """The nodes that turn a message into what `ports` take, as words for a person; empty if there are none."""
    steps: list[Offer] = [offer for offer in catalogue if _converts(offer, given)]
    single = [offer.full_name for offer in steps if _fits(offer, ports)]
    if single:
        return single[0] if len(single) == 1 else f"one of {', '.join(single)}"
    for first in steps:
        middle = first.node.ports().gives
        for second in catalogue:
            if middle and _converts(second, middle) and _fits(second, ports):
                return f"{first.full_name} and then {second.full_name}"
    return ""


def common(given: Given) -> type[Message] | None:
    """The class that all of these messages are of, or None if there are none."""
    if not given:
        return None
    first, *others = sorted(given, key=_name)
    return next(each for each in first.__mro__ if all(issubclass(other, each) for other in others))


def _converts(offer: Offer, given: type[Message]) -> bool:
    ports = offer.node.ports()
    return ports.accepts(given) and not ports.same and ports.gives is not None and ports.gives is not given


def _fits(offer: Offer, ports: Ports) -> bool:
    gives = offer.node.ports().gives
    return gives is not None and ports.accepts(gives)


def _name(message: type[Message]) -> str:
    return message.__name__


def _names(messages: Iterable[type[Message]]) -> str:
    return " or ".join(map(_name, messages))
