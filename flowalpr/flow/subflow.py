"""Expands a flow file, and the flow files that it uses as nodes, into one list of nodes and wires."""

from __future__ import annotations

import os
from collections.abc import Mapping as Names
from dataclasses import dataclass, replace
from pathlib import Path

from flowalpr.errors import FlowError, Place, Problem, nearest
from flowalpr.flow.build import FindModel, build, secret_places
from flowalpr.flow.document import parse_text, read_document
from flowalpr.flow.overrides import Override, put_in
from flowalpr.flow.report import MAX_PROBLEMS
from flowalpr.flow.spec import INPUT, FlowSpec, NodeSpec, parameters_of, read_spec
from flowalpr.flow.substitute import Substitution
from flowalpr.flow.values import Mapping, Scalar, Value
from flowalpr.flow.wiring import Wire, Wired
from flowalpr.node import Node
from flowalpr.plugins import Catalogue, UnknownNodeError

MAX_NODES = 1000
"""Most nodes of a flow, those of subflows included."""
MAX_SUBFLOWS = 200
"""Most subflows of a flow, those inside others included: few files could otherwise describe millions of nodes."""


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a flow file: by the user, or as a node of another flow."""

    path: Path
    shown: str
    """What errors call the file."""
    prefix: str = ""
    """What precedes the names of its nodes: empty, or `north/`."""
    overrides: tuple[Override, ...] = ()
    spec: NodeSpec | None = None
    """The node of the parent flow that it is."""
    above: tuple[str, ...] = ()
    """The files that lead to this one, resolved, outermost first."""
    on_error: Wire | str = "skip"
    """What happens to errors of nodes that do not say it themselves."""


class Expansion:
    """All nodes of a flow, subflows written out, and the mistakes met on the way."""

    def __init__(self, catalogue: Catalogue, environ: Names[str, str], find_model: FindModel) -> None:
        self.files: dict[Path, None] = {}
        self.built: dict[str, Node] = {}
        self.on_error: dict[str, str] = {}
        self.secrets: list[Place] = []
        self.places: dict[str, dict[str, Place]] = {}
        """For each node where it says what it uses, under the empty name, and where its settings are."""
        self.privacy: Value | None = None
        """What the flow itself says under `privacy`; what its subflows say there is for when they run alone."""
        self._catalogue, self._environ, self._find_model = catalogue, environ, find_model
        self._documents: dict[str, Mapping | None] = {}
        self._nodes: dict[str, Wired] = {}
        self._subflows: dict[str, str] = {}
        """The files of the subflows, by the names of the nodes that they are."""
        self._behind: dict[str, tuple[Wire, ...]] = {}
        """What a name stands for that is no node: the output of a subflow, or the `input` inside one."""
        self._problems: list[Problem] = []
        self._unfilled: list[Problem] = []
        """Mistakes in references."""
        self._unknown: set[Place] = set()
        """Where a value is missing that should have been put in."""

    def problems(self) -> list[Problem]:
        """All mistakes, without those that only follow from others."""
        unknown = self._unknown | {problem.place for problem in self._unfilled}
        return [*self._unfilled, *(problem for problem in self._problems if problem.place not in unknown)]

    def wired(self) -> list[Wired]:
        """The nodes with their wires leading from node to node, whatever subflows lie between."""
        return [
            replace(node, wires=tuple(found for wire in node.wires for found in self._resolved(wire)))
            for node in self._nodes.values()
        ]

    def give(self, path: Path, text: str, shown: str) -> None:
        """Let a flow file have another text than the one that is on the disk.

        Raises:
            FlowError: it is too large, not YAML, or no mapping.
        """
        self._documents[os.path.realpath(path)] = parse_text(text, shown)
        self.files[path] = None

    def expand(self, use: Use) -> str:
        """Adds the nodes of a flow file and gives the flow's name."""
        root = self._document(use)
        if root is None:
            self._leave_out(use)
            return use.path.stem
        root, inner = put_in(root, use.overrides, self._problems)
        folder = str(use.path.parent.absolute())
        substitution = Substitution(self._parameters(use, root, folder), self._environ, folder)
        for key, value in root.entries:
            if key.text != "parameters":
                root = root.with_entry(key, substitution.apply(value))
        self._unfilled += substitution.problems
        spec = read_spec(root, use.path.stem, self._problems)
        if use.spec is None:
            self.privacy = root.get("privacy")
        if len(self._nodes) + len(spec.names) > MAX_NODES:
            place = use.spec.uses.place if use.spec else root.place
            self._problems.append(Problem(f"more than {MAX_NODES} nodes", fix="run them as several flows", place=place))
            self._leave_out(use)
            return spec.name
        for name in spec.names:
            self._nodes[use.prefix + name.text] = Wired(use.prefix + name.text, None, name.place, ())
        for node in spec.nodes:
            self._add(use, spec, node, tuple(inner.get(node.name.text, ())))
        self._connect(use, spec)
        return spec.name

    def _leave_out(self, use: Use) -> None:
        """Keeps the name of a subflow that cannot be used, so that wires to it are not called wrong as well."""
        if use.spec:
            name = use.prefix[:-1]
            self._nodes[name] = Wired(name, None, use.spec.name.place, ())
            del self._subflows[name]

    def _add(self, use: Use, spec: FlowSpec, node: NodeSpec, overrides: tuple[Override, ...]) -> None:
        name = use.prefix + node.name.text
        wires = self._wires(use, spec, node)
        on_error = self._on_error(use, spec, node)
        if node.is_subflow:
            self._subflow(use, node, wires, on_error, overrides)
            return
        try:
            offer = self._catalogue.find(node.uses.text)
        except UnknownNodeError as error:
            what = f"node '{name}': {error.what}"
            self._problems.append(Problem(what, fix=error.fix, place=node.uses.place))
            return
        self.secrets += secret_places(node, offer.node)
        settings = {key.text: value.place for key, value in node.settings.entries}
        self.places[name] = {"": node.uses.place, **settings}
        built = build(node, offer, name, self._find_model, self._problems)
        if built is not None:
            self.built[name] = built
        self.on_error[name] = on_error.source if isinstance(on_error, Wire) else on_error
        caught = on_error if isinstance(on_error, Wire) else None
        self._nodes[name] = Wired(name, offer, node.name.place, wires, caught, fed=bool(node.inputs))

    def _subflow(
        self, use: Use, node: NodeSpec, wires: tuple[Wire, ...], on_error: Wire | str, overrides: tuple[Override, ...]
    ) -> None:
        name = use.prefix + node.name.text
        path = use.path.parent / node.uses.text
        above = (*use.above, os.path.realpath(use.path))
        if os.path.realpath(path) in above:
            what = f"node '{name}': '{node.uses.text}' would use itself"
            self._problems.append(Problem(what, fix="take this node out", place=node.uses.place))
        elif len(self._subflows) >= MAX_SUBFLOWS:
            what = f"more than {MAX_SUBFLOWS} subflows, those inside others included"
            self._problems.append(Problem(what, fix="use fewer", place=node.uses.place))
        else:
            del self._nodes[name]
            self._subflows[name] = node.uses.text
            if wires:
                self._behind[f"{name}/{INPUT}"] = wires
            shown = os.path.normpath(Path(use.shown).parent / node.uses.text)
            self.expand(Use(path, shown, f"{name}/", overrides, node, above, on_error))

    def _connect(self, use: Use, spec: FlowSpec) -> None:
        """Makes the open ends of a subflow known to its parent, and checks that both sides agree."""
        if spec.output:
            known = [name.text for name in spec.names]
            if spec.output.text in known:
                self._behind[use.prefix[:-1]] = (Wire(use.prefix + spec.output.text, spec.output.place),)
            else:
                what = f"there is no node '{spec.output.text}'"
                self._problems.append(Problem(what, fix=nearest(spec.output.text, known), place=spec.output.place))
        if use.spec is None:
            return
        takes = any(INPUT in (each.text for each in node.inputs) for node in spec.nodes)
        subject = f"node '{use.prefix[:-1]}' ({use.spec.uses.text})"
        if takes and not use.spec.inputs:
            what = f"nothing feeds {subject}"
            self._problems.append(Problem(what, "`from`, since it has an `input`", place=use.spec.name.place))
        elif use.spec.inputs and not takes:
            what = f"{subject} takes nothing in: none of its nodes says `from: {INPUT}`"
            self._problems.append(Problem(what, fix="remove this `from`", place=use.spec.inputs[0].place))

    def _wires(self, use: Use, spec: FlowSpec, node: NodeSpec) -> tuple[Wire, ...]:
        wires: list[Wire] = []
        known = [name.text for name in spec.names]
        for each in node.inputs:
            if each.text in known or (each.text == INPUT and use.spec):
                wires.append(Wire(use.prefix + each.text, each.place, each.text))
            elif each.text == INPUT:
                what = f"'{INPUT}' is what a parent flow wires in, and this flow has no parent"
                self._problems.append(Problem(what, "the name of a node", place=each.place))
            else:
                what = f"node '{use.prefix}{node.name.text}': there is no node '{each.text}'"
                fix = self._nearest(each.text, known) or f"the nodes are {', '.join(known[:20])}"
                self._problems.append(Problem(what, fix=fix, place=each.place))
        return tuple(wires)

    def _on_error(self, use: Use, spec: FlowSpec, node: NodeSpec) -> Wire | str:
        given = node.on_error
        if given is None:
            return use.on_error
        if given.text in ("skip", "stop"):
            return given.text
        subflows = {each.name.text for each in spec.nodes if each.is_subflow}
        if given.text in {name.text for name in spec.names} - subflows:
            return Wire(use.prefix + given.text, given.place, given.text)
        known = ["skip", "stop", *(name.text for name in spec.names if name.text not in subflows)]
        missing = "is a subflow" if given.text in subflows else "is no node of this flow"
        what = f"node '{use.prefix}{node.name.text}': '{given.text}' {missing}"
        expected = "skip, stop, or the name of a node that takes Fault"
        self._problems.append(Problem(what, expected, self._nearest(given.text, known), given.place))
        return "skip"

    def _nearest(self, name: str, known: list[str]) -> str:
        """The nearest name; only for as many mistakes as are shown, since a long search for each would take minutes."""
        return nearest(name, known) if len(self._problems) < MAX_PROBLEMS else ""

    def _resolved(self, wire: Wire) -> list[Wire]:
        """The wires that a wire stands for: through the `input` of a subflow, or into the output of one."""
        behind = self._behind.get(wire.source)
        if behind is not None:
            is_input = wire.source.endswith(f"/{INPUT}")
            return [
                found
                for each in behind
                for found in self._resolved(each if is_input else Wire(each.source, wire.place, wire.said))
            ]
        if wire.source in self._subflows:
            what = f"'{wire.said}' gives nothing: {self._subflows[wire.source]} names no `output`"
            self._problems.append(Problem(what, "`output:` with the name of a node in that file", place=wire.place))
        return [wire] if wire.source in self._nodes else []

    def _parameters(self, use: Use, root: Mapping, folder: str) -> dict[str, Value]:
        """The parameters of a flow file: what is given, else their defaults."""
        declared = parameters_of(root, self._problems)
        entries = use.spec.settings.entries if use.spec else ()
        entries += tuple((each.key(), each.understood()) for each in use.overrides if not each.node)
        given = {key.text: value for key, value in entries}
        names = [key.text for key, _ in declared]
        subject = f"node '{use.prefix[:-1]}' ({use.spec.uses.text})" if use.spec else "the flow"
        for key, _ in entries:
            if key.text not in names:
                known = f"one of {', '.join(names)}" if names else "no parameters"
                what = f"{subject} has no parameter '{key.text}'"
                fix = nearest(key.text, names) or ("" if use.spec else "settings of nodes: --set node.setting=value")
                self._problems.append(Problem(what, known, fix, key.place))
        defaults = Substitution({}, self._environ, folder)
        values = {key.text: given.get(key.text) or defaults.apply(default) for key, default in declared}
        self._unfilled += defaults.problems
        unknown = [name for name in given if name not in names]
        for key, default in declared:
            if nearest(key.text, unknown):  # It is misspelt, which was said.
                self._unknown.add(default.place)
            elif key.text not in given and isinstance(default, Scalar) and default.value is None:
                place = use.spec.uses.place if use.spec else key.place
                fix = f"add  with: {{{key.text}: ...}}" if use.spec else f"--set {key.text}=..., or give a default here"
                # Among the unfilled, which are always told: an empty value stands where its key does.
                self._unfilled.append(Problem(f"{subject} needs the parameter '{key.text}'", fix=fix, place=place))
                self._unknown.add(default.place)
        return values

    def _document(self, use: Use) -> Mapping | None:
        """The content of a flow file, read once however often it is used; None if it cannot be."""
        real = os.path.realpath(use.path)
        if real not in self._documents:
            self._documents[real] = None
            try:
                self._documents[real] = read_document(use.path, use.shown)
            except FlowError as error:
                place = use.spec.uses.place if use.spec else None
                self._problems += [replace(each, place=each.place or place) for each in error.problems]
            self.files[use.path] = None
        return self._documents[real]
