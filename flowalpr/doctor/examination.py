"""The whole examination, part by part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flowalpr.doctor.clock import clock
from flowalpr.doctor.installation import installation
from flowalpr.doctor.machine import machine
from flowalpr.doctor.nodes import nodes, secrets
from flowalpr.doctor.places import disks, newest, state
from flowalpr.doctor.running import as_it_runs, running
from flowalpr.errors import SetupError
from flowalpr.findings import Finding
from flowalpr.flow.graph import Graph
from flowalpr.plugins import Catalogue
from flowalpr.service.needs import needs_of
from flowalpr.state import state_folder, state_root


@dataclass(frozen=True, slots=True)
class Part:
    """What was found of one part: the machine, the installation, or a node."""

    name: str
    findings: tuple[Finding, ...]


def examination(catalogue: Catalogue, graph: Graph | None) -> Iterator[Part]:
    """All parts, those of the flow last and only if there is one; each as soon as it has been looked at."""
    folder = state_folder(graph.name) if graph else state_root()
    yield Part("machine", (*machine(), *clock(newest(folder))))
    yield Part("installation", tuple(installation(catalogue)))
    if graph is None:
        yield Part("places", (*state(folder), *disks([folder])))
        yield Part("models", tuple(_models()))
        return
    needs = needs_of(graph)
    written = [each.path for each in needs.paths if each.written]
    yield Part("places", (*state(folder), *disks([folder, *written])))
    found = tuple(secrets(needs))
    if found:
        yield Part("secrets", found)
    yield from _nodes(graph, {each.what.partition(": ")[2] for each in found})


def _nodes(graph: Graph, known: set[str]) -> Iterator[Part]:
    """The nodes; what is `known` already, such as a secret that is missing, is not told again."""
    seen = running(graph.name)
    told: dict[str, list[Finding]] = {}
    for name, finding in as_it_runs(seen) if seen else ():
        told.setdefault(name, []).append(finding)
    cameras = {each.name for each in seen.cameras} if seen else set()
    asked = dict(nodes(graph, without=cameras))
    for name in graph.nodes:
        found = tuple(each for each in (*told.get(name, ()), *asked.get(name, ())) if each.what not in known)
        if found:
            yield Part(f"{name} ({graph.nodes[name].uses.rpartition('.')[2]})", found)


def _models() -> Iterator[Finding]:
    from flowalpr.vision.manifest import models

    try:
        for model in models():
            model.verify()
            yield Finding("ok", f"{model.manifest.name} {model.manifest.version} is whole, in {Path(model.folder)}")
    except SetupError as error:
        yield Finding("wrong", error.problem.what, error.problem.fix)
