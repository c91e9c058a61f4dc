"""From a flow file to a graph that is known to be sound, with all mistakes reported at once."""

from __future__ import annotations

import os
from collections.abc import Mapping as Names
from pathlib import Path

from flowalpr.errors import FlowError, Problem, nearest
from flowalpr.flow.build import FindModel
from flowalpr.flow.declared import declared
from flowalpr.flow.document import read_document
from flowalpr.flow.graph import FlowNode, Graph
from flowalpr.flow.overrides import overrides
from flowalpr.flow.report import flow_error
from flowalpr.flow.spec import read_spec
from flowalpr.flow.subflow import Expansion, Use
from flowalpr.flow.wiring import Wiring, common
from flowalpr.plugins import Catalogue


def find_installed_model(name: str) -> object:
    """The model of that name, verified.

    Raises:
        SetupError: there is none, or it is damaged.
    """
    from flowalpr.vision.manifest import find_model  # Here, since many flows name no model.

    return find_model(name)


def find_flow(name: str) -> Path:
    """The path of a flow: a file, or a flow that comes in the box by its bare name.

    Raises:
        FlowError: there is neither.
    """
    path = Path(name)
    if path.exists() or path.suffix in (".yaml", ".yml"):
        return path  # If it is missing, reading it says so.
    known = bundled_flows()
    if name in known:
        here = Path.cwd()
        return known[name].relative_to(here) if known[name].is_relative_to(here) else known[name]
    fix = nearest(name, known) or "give the path of a flow file; `flowalpr new flow` writes one"
    expected = f"a flow file, or one that comes in the box: {', '.join(known)}"
    raise FlowError([Problem(f"there is no flow '{name}'", expected, fix)])


def flow_name(path: Path) -> str:
    """The name of the flow in a file, whatever else is wrong with it.

    Raises:
        FlowError: the file cannot be read as YAML.
    """
    return read_spec(read_document(path), path.stem, []).name


def bundled_flows() -> dict[str, Path]:
    """The flows that come in the box, by name: in the installed package, or in the checkout."""
    package = Path(__file__).parents[1]
    folders = (package / "bundled" / "flows", package.parent / "flows")
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.yaml"))}


def load_flow(
    path: Path,
    catalogue: Catalogue,
    *,
    settings: Names[str, str] | None = None,
    environ: Names[str, str] = os.environ,
    find_model: FindModel = find_installed_model,
    text: str | None = None,
    shown: str = "",
) -> Graph:
    """The checked flow of a file; `settings` are those of the command line, by `node.setting` or by `parameter`.

    `text` is what the file is to hold, in place of what it holds; `shown` is what errors call it then.

    Raises:
        FlowError: something is wrong; it holds all that is.
    """
    expansion = Expansion(catalogue, environ, find_model)
    if text is not None:
        expansion.give(path, text, shown or str(path))
    name = expansion.expand(Use(path, shown or str(path), overrides=tuple(overrides(settings or {}))))
    wiring = Wiring(expansion.wired(), catalogue)
    unclear: list[Problem] = []
    privacy = declared(expansion.privacy, list(wiring.nodes), unclear)
    problems = [*unclear, *expansion.problems(), *wiring.problems]
    if problems:
        raise flow_error(problems, expansion.secrets)
    nodes: dict[str, FlowNode] = {}
    for each in wiring.order:
        wired, node = wiring.nodes[each], expansion.built[each]
        uses = wired.offer.full_name if wired.offer else ""
        inputs = tuple(wire.source for wire in wired.wires)
        gives = common(wiring.given[each])
        nodes[each] = FlowNode(each, uses, node, inputs, gives, expansion.on_error[each], expansion.places[each])
    return Graph(name, nodes, path, tuple(expansion.files), privacy)
