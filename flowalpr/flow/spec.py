"""The keys that a flow file may have, and what each must hold."""

from __future__ import annotations

import re
from dataclasses import dataclass

from flowalpr.errors import Problem, nearest
from flowalpr.flow.report import shown
from flowalpr.flow.values import Mapping, Scalar, Sequence, Value, plain

FLOW_KEYS = {
    "flow": "The name of the flow; without it, the name of the file.",
    "parameters": "What a flow that uses this one may set: names with their defaults, empty if one must be given.",
    "nodes": "The nodes by name, in any order.",
    "privacy": "For the people whose plates are read: who is responsible, what for, and what was accepted knowingly.",
    "output": "The node whose messages leave, where another flow uses this one.",
}
"""The keys of a flow file, with their help."""
NODE_KEYS = {
    "uses": "The node's kind, as `flowalpr nodes` lists them, or the path of a flow file (./gate.yaml).",
    "from": "The node whose messages it receives, or a list of them; `input` is what a parent flow wires in.",
    "with": "The node's own settings.",
    "on_error": "When it fails: `skip` the message (the default), `stop` the flow, or a node that takes faults.",
}
"""The keys of a node in a flow file, with their help."""
INPUT = "input"
"""The name that stands for what a parent flow wires into a subflow."""
NAME = re.compile(r"[A-Za-z0-9_-]+")
"""Names of flows and nodes."""


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """One node as the file describes it."""

    name: Scalar
    uses: Scalar
    inputs: tuple[Scalar, ...]
    settings: Mapping
    on_error: Scalar | None

    @property
    def is_subflow(self) -> bool:
        """Whether it is another flow file."""
        return self.uses.text.endswith((".yaml", ".yml"))


@dataclass(frozen=True, slots=True)
class FlowSpec:
    """A flow as the file describes it; what could not be understood is left out and is among the problems."""

    name: str
    nodes: tuple[NodeSpec, ...]
    names: tuple[Scalar, ...]
    """All nodes, including those left out."""
    output: Scalar | None


def read_spec(root: Mapping, file_name: str, problems: list[Problem]) -> FlowSpec:
    """What the file describes; mistakes are added to `problems`."""
    problems += _unknown_keys(root, FLOW_KEYS, "a flow")
    name = _name_at(root, "flow", problems)
    nodes = root.get("nodes")
    specs: list[NodeSpec | None] = []
    if isinstance(nodes, Mapping) and nodes.entries:
        specs = [_node(key, value, problems) for key, value in nodes.entries]
    else:
        key = root.key("nodes")
        what = "the flow has no nodes" if nodes is None or not plain(nodes) else "'nodes' holds no names"
        expected = "names with what they use, for example `gate: {uses: camera, with: {url: 0}}`"
        problems.append(Problem(what, expected, place=key.place if key else root.place))
    names = tuple(key for key, _ in nodes.entries) if isinstance(nodes, Mapping) else ()
    kept = tuple(spec for spec in specs if spec)
    return FlowSpec(name.text if name else file_name, kept, names, _name_at(root, "output", problems))


def _node(key: Scalar, value: Value, problems: list[Problem]) -> NodeSpec | None:
    if key.text == INPUT:
        what = f"a node cannot be named '{INPUT}', which stands for what a parent flow wires in"
        problems.append(Problem(what, fix="choose another name", place=key.place))
    elif not NAME.fullmatch(key.text):
        problems.append(Problem(f"a node cannot be named '{key.text}'", "letters, digits, - and _", place=key.place))
    if not isinstance(value, Mapping):
        what = f"node '{key.text}' is {shown(plain(value))}"
        expected = f"what it uses, for example `{key.text}: {{uses: camera}}`"
        problems.append(Problem(what, expected, place=value.place))
        return None
    problems += _unknown_keys(value, NODE_KEYS, f"node '{key.text}'")
    uses = _text_at(value, "uses", "the name of a node; `flowalpr nodes` lists them", problems)
    if value.get("uses") is None:
        what = f"node '{key.text}' does not say what it uses"
        problems.append(Problem(what, "`uses:` with the name of a node; `flowalpr nodes` lists them", place=key.place))
    inputs = _inputs(key, value.get("from"), problems)
    settings = _settings(key, value, problems)
    on_error = _text_at(value, "on_error", "skip, stop, or the name of a node that takes faults", problems)
    return NodeSpec(key, uses, inputs, settings, on_error) if uses and settings else None


def _settings(key: Scalar, node: Mapping, problems: list[Problem]) -> Mapping | None:
    value = node.get("with")
    if isinstance(value, Mapping):
        return value
    if value is not None and not (isinstance(value, Scalar) and value.value is None):
        what = f"node '{key.text}': 'with' is {shown(plain(value))}"
        expected = "the node's settings: names and values, for example `with: {url: 0}`"
        problems.append(Problem(what, expected, place=value.place))
        return None
    return Mapping((), value.place if value else key.place)


def _inputs(key: Scalar, value: Value | None, problems: list[Problem]) -> tuple[Scalar, ...]:
    found: list[Scalar] = []
    for each in value.items if isinstance(value, Sequence) else () if value is None else (value,):
        if not isinstance(each, Scalar) or each.value is None:
            what = f"node '{key.text}': 'from' holds {shown(plain(each))}"
            problems.append(Problem(what, "the name of a node, or a list of names", place=each.place))
        elif each.text in {other.text for other in found}:
            problems.append(Problem(f"node '{key.text}' names '{each.text}' twice", fix="remove one", place=each.place))
        else:
            found.append(each)
    return tuple(found)


def _name_at(mapping: Mapping, key: str, problems: list[Problem]) -> Scalar | None:
    value = _text_at(mapping, key, "a name of letters, digits, - and _", problems)
    if value and not NAME.fullmatch(value.text):
        problems.append(Problem(f"'{value.text}' is not a name", "letters, digits, - and _", place=value.place))
        return None
    return value


def _text_at(mapping: Mapping, key: str, expected: str, problems: list[Problem]) -> Scalar | None:
    value = mapping.get(key)
    if value is None or (isinstance(value, Scalar) and value.value is not None and value.text):
        return value if isinstance(value, Scalar) else None
    problems.append(Problem(f"'{key}' is {shown(plain(value))}", expected, place=value.place))
    return None


def _unknown_keys(mapping: Mapping, known: dict[str, str], of_what: str) -> list[Problem]:
    return [
        Problem(
            f"{of_what} has no key '{key.text}'",
            f"one of {', '.join(known)}" + ("; settings of the node go below `with:`" if known is NODE_KEYS else ""),
            nearest(key.text, known),
            key.place,
        )
        for key, _ in mapping.entries
        if key.text not in known
    ]


def parameters_of(root: Mapping, problems: list[Problem]) -> tuple[tuple[Scalar, Value], ...]:
    """The parameters that a flow file declares, with their defaults; null stands for one that must be given."""
    value = root.get("parameters")
    if value is None:
        return ()
    if not isinstance(value, Mapping):
        expected = "names with their defaults, for example `at_least: 0.8`; empty if one must be given"
        problems.append(Problem(f"'parameters' is {shown(plain(value))}", expected, place=value.place))
        return ()
    for key, _ in value.entries:
        if not re.fullmatch(r"\w+", key.text) or key.text == "FLOW_DIR":
            what = f"a parameter cannot be named '{key.text}'"
            problems.append(Problem(what, "letters, digits and _", place=key.place))
    return value.entries
