"""`flowalpr doctor`: whether this machine, this installation and a flow are well, and what to do if not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from flowalpr.cli.options import AsJson, Blocked, Settings, by_name

if TYPE_CHECKING:
    from flowalpr.doctor.examination import Part

COLOURS = {"ok": typer.colors.GREEN, "warning": typer.colors.YELLOW, "wrong": typer.colors.RED}


def doctor(
    flow: Annotated[
        str | None,
        typer.Argument(metavar="[FLOW]", help="Examine the nodes of this flow too: cameras, brokers, models."),
    ] = None,
    settings: Settings = None,
    as_json: AsJson = False,
    without: Blocked = None,
) -> None:
    """Examine the machine, the installation and, if one is given, a flow: each finding with its remedy.

    Cameras and servers are reached for at most 40 seconds; nothing is sent to them and nothing is changed. Root sees a
    flow that is a service with the service's variables and credentials. Exit code 0: nothing is wrong, though there may
    be warnings; 1: something is; 2: the flow file is wrong.
    """
    from flowalpr.doctor.examination import examination
    from flowalpr.flow.load import find_flow, flow_name, load_flow
    from flowalpr.plugins import load_plugins
    from flowalpr.service.account import look_as_service

    catalogue = load_plugins(without or ())
    graph = None
    if flow is not None:
        path = find_flow(flow)
        look_as_service(flow_name(path))
        graph = load_flow(path, catalogue, settings=by_name(settings))
    parts = []
    for part in examination(catalogue, graph):
        parts.append(part)
        if not as_json:
            _print(part)
    levels = [finding.level for part in parts for finding in part.findings]
    wrong, warnings = levels.count("wrong"), levels.count("warning")
    if as_json:
        records = [
            {"part": part.name, "level": each.level, "what": each.what, "fix": each.fix}
            for part in parts
            for each in part.findings
        ]
        typer.echo(json.dumps({"ok": not wrong, "findings": records}))
    else:
        typer.echo(f"\n{wrong} wrong, {warnings} warnings, {levels.count('ok')} ok")
    if wrong:
        raise typer.Exit(1)


def _print(part: Part) -> None:
    typer.secho(part.name, bold=True)
    for each in part.findings:
        typer.echo(f"  {typer.style(f'{each.level:8}', fg=COLOURS[each.level])} {each.what}")
        if each.fix:
            typer.echo(f"           to fix    {each.fix}")
