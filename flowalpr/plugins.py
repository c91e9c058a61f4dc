"""Finds the installed plugins and keeps the catalogue of their nodes, by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

import pluggy

from flowalpr import hooks
from flowalpr.errors import nearest
from flowalpr.node import Node, node_name

GROUP = "flowalpr"
"""The entry-point group under which a plugin names its module."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One node of one plugin."""

    plugin: str
    name: str
    node: type[Node]

    @property
    def full_name(self) -> str:
        """Plugin and node, which is never ambiguous: `builtin.vote`."""
        return f"{self.plugin}.{self.name}"


@dataclass(frozen=True, slots=True)
class Broken:
    """A plugin that could not be loaded; its nodes are missing, all others work."""

    plugin: str
    version: str
    error: str


class UnknownNodeError(LookupError):
    """No plugin offers a node of that name, or several do; `fix` says what to write."""

    def __init__(self, what: str, fix: str) -> None:
        self.what, self.fix = what, fix
        super().__init__(f"{what}; {fix}" if fix else what)


class Catalogue:
    """All nodes of all installed plugins."""

    def __init__(self, offers: Iterable[Offer], broken: Iterable[Broken], manager: pluggy.PluginManager) -> None:
        self._offers = {offer.full_name: offer for offer in offers}
        self.broken = tuple(broken)
        self.hook = manager.hook
        """For calling the hooks of all plugins."""

    def __iter__(self) -> Iterator[Offer]:
        return iter(self._offers.values())

    def find(self, name: str) -> Offer:
        """The node of that name; the short name is enough while only one plugin has it.

        Raises:
            UnknownNodeError: if there is none or more than one.
        """
        if name in self._offers:
            return self._offers[name]
        same = [offer for offer in self if offer.name == name]
        if len(same) == 1:
            return same[0]
        if same:
            full = " or ".join(offer.full_name for offer in same)
            raise UnknownNodeError(f"several plugins offer a node '{name}'", f"write its full name: {full}")
        known = [offer.name for offer in self] + list(self._offers)
        raise UnknownNodeError(f"there is no node '{name}'", self._remedy(name, known))

    def _remedy(self, name: str, known: list[str]) -> str:
        for each in self.broken:
            if name.startswith(f"{each.plugin}."):
                return f"plugin '{each.plugin}' {each.version} failed to load: {each.error}"
        if not known:
            return "no plugin is installed, not even the built-in one: pip install -e . in the checkout"
        return nearest(name, known) or "`flowalpr nodes` lists all nodes"


def load_plugins(blocked: Iterable[str] = ()) -> Catalogue:
    """The catalogue of what is installed, without the plugins named in `blocked`.

    A plugin that fails to import is reported in `Catalogue.broken` and costs only its own nodes. pluggy's own loader
    stops at the first that fails, so the entry points are walked here.
    """
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hooks)
    offers: list[Offer] = []
    broken: list[Broken] = []
    for point in _points(set(blocked)):
        try:
            offers += _load(manager, point)
        except Exception as error:  # Whatever a stranger's plugin raises, the others must load.
            if manager.has_plugin(point.name):
                manager.unregister(name=point.name)
            version = point.dist.version if point.dist else "of unknown version"
            broken.append(Broken(point.name, version, f"{type(error).__name__}: {error}"))
    return Catalogue(offers, broken, manager)


def _points(blocked: set[str]) -> list[EntryPoint]:
    """Entry points by name; an editable install can list one twice, and the same name and module is one plugin."""
    found = {(point.name, point.value): point for point in entry_points(group=GROUP)}
    return [point for point in sorted(found.values(), key=lambda each: each.name) if point.name not in blocked]


def _load(manager: pluggy.PluginManager, point: EntryPoint) -> list[Offer]:
    module = point.load()
    manager.register(module, name=point.name)
    manager.check_pending()  # A misspelt hook would otherwise never be called, in silence.
    listed = manager.subset_hook_caller(
        "flowalpr_nodes", [each for each in manager.get_plugins() if each is not module]
    )()
    nodes = [node for nodes in listed for node in nodes]
    for node in nodes:
        if not (isinstance(node, type) and issubclass(node, Node)):
            raise TypeError(f"flowalpr_nodes gave {node!r}, which is not a class derived from flowalpr.Node")
        node.ports()
    return [Offer(point.name, node_name(node), node) for node in nodes]
