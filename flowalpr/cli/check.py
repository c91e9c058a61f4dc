"""`flowalpr check`: whether a flow would start, without a camera, a GPU or a runtime."""

from __future__ import annotations

import json
import sys
from typing import Any

import typer

from flowalpr.cli.options import AsJson, Blocked, Flow, Settings, by_name
from flowalpr.errors import FlowError, Problem


def check(flow: Flow, settings: Settings = None, as_json: AsJson = False, without: Blocked = None) -> None:
    """Check a flow file: its nodes, their settings and models, and what is wired to what.

    All mistakes are shown at once. Exit code 0: the flow is sound; 2: it is not.
    """
    from flowalpr.flow.load import find_flow, load_flow
    from flowalpr.plugins import load_plugins

    catalogue = load_plugins(without or ())
    try:
        graph = load_flow(find_flow(flow), catalogue, settings=by_name(settings))
    except FlowError as error:
        if not as_json:
            raise
        typer.echo(json.dumps({"ok": False, "problems": [record_of(each) for each in error.problems]}))
        sys.exit(2)
    if as_json:
        typer.echo(json.dumps({"ok": True, "flow": graph.name, "nodes": list(graph.nodes)}))
        return
    count = len(graph.nodes)
    typer.echo(f"{graph.path}: flow '{graph.name}' is sound, {count} node{'s' if count > 1 else ''}")


def record_of(problem: Problem) -> dict[str, Any]:  # Any: the values that JSON has
    """A mistake as plain values."""
    place = problem.place
    return {
        "file": place.file if place else None,
        "line": place.line if place and place.line else None,
        "column": place.column if place and place.line else None,
        "length": place.length if place and place.line else None,
        "what": problem.what,
        "expected": problem.expected,
        "fix": problem.fix,
    }
