"""Settings from the command line (`--set gate.url=0`), put into a flow as if they stood in its file."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as Names
from dataclasses import dataclass, replace

from flowalpr.errors import FlowError, Place, Problem, nearest
from flowalpr.flow.document import parse_document
from flowalpr.flow.values import Mapping, Scalar, Sequence, Value, resolve


@dataclass(frozen=True, slots=True)
class Override:
    """One setting of the command line: of a node, or of a parameter of the flow if `node` is empty."""

    node: str
    """The node's name in the flow, or `subflow/node`."""
    field: str
    value: str
    option: str
    """What errors call it: without the value, which may be a secret."""

    @property
    def place(self) -> Place:
        """Where errors say it comes from."""
        return Place(self.option, 0, 0)

    def understood(self) -> Value:
        """The value, understood as in a flow file: `[DE, AT]` is a list, `{low: 1}` names and values.

        Raises:
            FlowError: it begins and ends as one of those, and is none.
        """
        if self.value[:1] + self.value[-1:] not in ("[]", "{}"):
            return Scalar(self.value, resolve(self.value), self.place)
        try:
            held = parse_document(f"value: {self.value}", self.option)
        except FlowError as error:
            raise FlowError([replace(each, place=self.place) for each in error.problems]) from None
        return self._placed(held.entries[0][1])

    def key(self) -> Scalar:
        """The name of the setting, with its place."""
        return Scalar(self.field, self.field, self.place)

    def _placed(self, value: Value) -> Value:
        if isinstance(value, Scalar):
            return replace(value, place=self.place)
        if isinstance(value, Sequence):
            return Sequence(tuple(self._placed(each) for each in value.items), self.place)
        entries = ((replace(key, place=self.place), self._placed(each)) for key, each in value.entries)
        return Mapping(tuple(entries), self.place)


def overrides(settings: Names[str, str]) -> list[Override]:
    """What `--set` says: the node, or nothing before the dot for a parameter; the setting; the value."""
    found = []
    for name, value in settings.items():
        node, dot, field = name.partition(".")
        option = f"--set {name}"
        found.append(Override(node, field, value, option) if dot else Override("", node, value, option))
    return found


def put_in(
    root: Mapping, given: Iterable[Override], problems: list[Problem]
) -> tuple[Mapping, dict[str, list[Override]]]:
    """The flow file's values with those settings, and the settings that are meant for nodes of its subflows.

    Settings of parameters, whose node is empty, are not for here.
    """
    inner: dict[str, list[Override]] = {}
    for each in given:
        subflow, slash, rest = each.node.partition("/")
        nodes = root.get("nodes")
        if not each.node or not isinstance(nodes, Mapping):
            continue
        node = nodes.get(subflow)
        if node is None:
            names = [key.text for key, _ in nodes.entries]
            fix = nearest(subflow, names) or f"the nodes are {', '.join(names)}"
            problems.append(Problem(f"there is no node '{subflow}'", fix=fix, place=each.place))
        elif slash:
            inner.setdefault(subflow, []).append(Override(rest, each.field, each.value, each.option))
        elif isinstance(node, Mapping):
            held = node.get("with")
            settings = held if isinstance(held, Mapping) else Mapping((), each.place)
            settings = settings.with_entry(each.key(), each.understood())
            node = node.with_entry(Scalar("with", "with", each.place), settings)
            root = root.with_entry(
                root.key("nodes") or each.key(), nodes.with_entry(nodes.key(subflow) or each.key(), node)
            )
    return root, inner
