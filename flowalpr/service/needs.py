"""What a flow needs of its machine: devices, secrets, files to read and folders to write, told from its settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from pathlib import Path

from pydantic import BaseModel

from flowalpr.flow.graph import FlowNode, Graph
from flowalpr.settings import Secret

ACCELERATED = ("cuda", "tensorrt", "gpu")
"""Values of a setting `device` for which the GPU's device files are needed."""
FOR_PATHS = ("path", "file", "folder")
"""Names of settings whose text is a path, if it leads somewhere."""


@dataclass(frozen=True, slots=True)
class Named:
    """A file or folder that a setting names."""

    setting: str
    """`node.setting`."""
    path: Path
    written: bool
    """Whether the node writes it: it belongs to a sink."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What one flow needs."""

    is_live: bool = False
    """Whether it goes on for ever: a live source feeds it."""
    devices: tuple[str, ...] = ()
    """Device files, such as `/dev/video0`."""
    accelerator: bool = False
    """Whether a network shall run on a GPU."""
    secrets: tuple[tuple[str, Secret], ...] = ()
    """`node.setting` and where the secret is."""
    files: tuple[Path, ...] = ()
    """The flow file and those of its subflows."""
    paths: tuple[Named, ...] = ()

    @property
    def read(self) -> tuple[Path, ...]:
        """All that it must be able to read."""
        secret = (Path(each).expanduser() for each in self.secrets_of("file"))
        return (*self.files, *secret, *(each.path for each in self.paths if not each.written))

    def secrets_of(self, kind: str) -> tuple[str, ...]:
        """Where the secrets of a kind (`env`, `file`, `credential`) are, each once."""
        found = (each.reference.partition(":") for _, each in self.secrets)
        return tuple(dict.fromkeys(where for name, _, where in found if name == kind))


def needs_of(graph: Graph) -> Needs:
    """What a checked flow needs."""
    nodes = graph.nodes.values()
    found = [(node, name, value) for node in nodes for name, value in _settings(node)]
    devices = [str(value) for _, _, value in found if _text(value).startswith("/dev/")]
    return Needs(
        is_live=any(node.node.is_live() for node in nodes if node.is_source),
        devices=tuple(dict.fromkeys(devices)),
        accelerator=any(name == "device" and str(value) in ACCELERATED for _, name, value in found),
        secrets=tuple((f"{node.name}.{name}", value) for node, name, value in found if isinstance(value, Secret)),
        files=tuple(path.absolute() for path in graph.files),
        paths=tuple(_paths(found)),
    )


def _paths(found: list[tuple[FlowNode, str, object]]) -> Iterator[Named]:
    for node, name, value in found:
        text = _text(value)
        if not text or text.startswith("/dev/") or "://" in text:
            continue
        # A plain text may be anything; that it is a path shows by its name or beginning, and if it leads somewhere.
        if isinstance(value, str) and not ((text.startswith("/") or name in FOR_PATHS) and Path(text).exists()):
            continue
        yield Named(f"{node.name}.{name}", Path(text).expanduser(), node.ports.kind == "sink")


def _settings(node: FlowNode) -> Iterator[tuple[str, object]]:
    for name in type(node.node).model_fields:
        for value in _leaves(getattr(node.node, name)):
            yield name, value


def _leaves(value: object) -> Iterator[object]:
    """The single values in a setting that may be nested."""
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _leaves(getattr(value, name))
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _leaves(each)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for each in value:
            yield from _leaves(each)
    else:
        yield value


def _text(value: object) -> str:
    """A setting that may name a file or device as text; that of others is empty.

    Types of plugins, such as an address that may be a URL, a device or a file, say by `str` what may be shown.
    """
    if value is None or isinstance(value, (bool, int, float, complex, bytes, date, timedelta, Enum, Secret)):
        return ""
    return str(value)
