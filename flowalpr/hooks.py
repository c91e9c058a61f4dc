"""The four hooks by which a plugin joins in. Data never moves through a hook: it would cost twenty times a call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import typer

    from flowalpr.node import Node

hookspec = pluggy.HookspecMarker("flowalpr")
hookimpl = pluggy.HookimplMarker("flowalpr")


@hookspec
def flowalpr_nodes() -> list[type[Node]]:  # type: ignore[empty-body]  # A hook specification has no body.
    """Return the node classes that this plugin offers. Called once at start, in the main thread."""


@hookspec
def flowalpr_commands(commands: typer.Typer) -> None:
    """Add sub-commands to the command line. Called once at start, in the main thread; import heavy things later."""


@hookspec
def flowalpr_flow_started(name: str, nodes: Mapping[str, Node]) -> None:
    """A flow runs: every node is open. `nodes` by their names in the flow. Called in the thread that runs the flow."""


@hookspec
def flowalpr_flow_stopped(name: str, error: BaseException | None) -> None:
    """A flow has ended and every node is closed; `error` is None unless it failed. Called in the same thread."""
