"""`flowalpr service`: a flow as a service of systemd, started with the machine, watched and restarted."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowalpr.cli.options import AsJson, Blocked, Flow, Settings, by_name

if TYPE_CHECKING:
    from flowalpr.service.unit import Service

app = typer.Typer(help="Run flows as services of systemd.", no_args_is_help=True)

OfUser = Annotated[bool, typer.Option("--user", help="A service of this user, without root; see docs/service.md.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The flow's name, as `flowalpr service status` shows it.")]


@app.command()
def install(
    flow: Flow,
    settings: Settings = None,
    of_user: OfUser = False,
    to_print: Annotated[bool, typer.Option("--print", help="Print the unit and change nothing.")] = False,
    start: Annotated[bool, typer.Option(help="Start it now.")] = True,
    write: Annotated[
        list[Path] | None, typer.Option("--write", metavar="FOLDER", help="One more folder that the flow may write.")
    ] = None,
    without: Blocked = None,
) -> None:
    """Write a unit for a flow, which stays where it is, and start it now and with the machine.

    The flow is checked first, and so is whether the service's user will be able to read and write what it must.
    """
    from flowalpr.errors import SetupError
    from flowalpr.service.checks import UnfitError, problems, variables_of
    from flowalpr.service.systemd import Systemd, ensure_user
    from flowalpr.service.unit import USER

    service = _service(flow, settings or [], of_user=of_user, writes=write or [], without=without or [])
    systemd = Systemd(of_user)
    if not to_print:
        systemd.require()
        if not of_user and ensure_user():  # Before the checks, whose remedies give folders to that user.
            typer.echo(f"made the system user {USER}")
    found = list(problems(service, variables_of(service.variables)))
    if to_print:
        typer.echo(service.text(), nl=False)
        if found:
            typer.echo("\nbefore this works:\n\n" + "\n\n".join(map(str, found)), err=True)
        return
    if found:
        raise UnfitError(found)
    if of_user:
        try:
            service.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise SetupError(f"{service.folder} cannot be made: {error.strerror}", "set FLOWALPR_STATE") from error
    path = systemd.install(service.unit, service.text(), start=start)
    typer.echo(f"{path} runs {service.needs.files[0]} in {service.folder}")
    if of_user:
        typer.echo("to let it run while you are logged out: loginctl enable-linger")
    typer.echo(f"look at it: flowalpr service status{' --user' if of_user else ''}; {_sudo(of_user)}flowalpr monitor")


@app.command()
def show(name: Name, of_user: OfUser = False) -> None:
    """Print the unit of an installed service."""
    from flowalpr.service.systemd import Systemd

    typer.echo(Systemd(of_user).unit_file(name).read_text(encoding="utf-8"), nl=False)


@app.command()
def status(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Without it, all services.")] = None,
    of_user: OfUser = False,
    as_json: AsJson = False,
) -> None:
    """Show how services are. Ends with 1 if one does not run."""
    from flowalpr.service.systemd import Systemd

    systemd = Systemd(of_user)
    if name is not None:
        systemd.unit_file(name)
    states = list(systemd.states([name] if name is not None else systemd.flows()))
    if as_json:
        typer.echo(json.dumps([each.record() for each in states]))
    elif not states:
        typer.echo("no service is installed; `flowalpr service install FLOW` installs one")
    for each in [] if as_json else states:
        restarts = f", restarted {each.restarts} times" if each.restarts else ""
        ended = f", {each.result}" if each.result not in ("", "success") else ""
        typer.echo(f"{each.unit}: {each.active} ({each.sub}){ended}{restarts} since {each.since or 'never'}")
        if each.status:
            typer.echo(f"  {each.status}")
    if any(each.active != "active" for each in states):
        raise typer.Exit(1)


@app.command()
def uninstall(name: Name, of_user: OfUser = False) -> None:
    """Stop a service and take its unit away. What the flow has stored stays."""
    from flowalpr.service.systemd import Systemd
    from flowalpr.service.unit import STATE
    from flowalpr.state import state_root

    systemd = Systemd(of_user)
    systemd.require()
    path = systemd.uninstall(name)
    typer.echo(f"{path} is gone; what the flow has stored is in {state_root() if of_user else STATE}")


@app.command("exec", context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
def execute(
    name: Name, words: Annotated[list[str], typer.Argument(metavar="COMMAND...", help="A command of flowalpr.")]
) -> None:
    """Run a command of flowalpr as the service's user and in its folder: `service exec parking alerts list parking`.

    Root itself would leave files behind that the service cannot write.
    """
    from flowalpr.errors import SetupError
    from flowalpr.service.account import become_service
    from flowalpr.service.unit import USER

    become_service(name)
    try:
        os.execv(sys.executable, [sys.executable, "-m", "flowalpr", *words])  # noqa: S606  # That is what it is for.
    except OSError as error:
        what = f"the user {USER} cannot run {sys.executable}: {error.strerror}"
        raise SetupError(
            what, "install flowalpr where everybody may read it: docs/service.md (/opt/flowalpr)"
        ) from None


def _service(flow: str, settings: list[str], *, of_user: bool, writes: list[Path], without: list[str]) -> Service:
    """The service of a flow, checked with the variables that the service will have.

    Raises:
        FlowError: the flow is not sound.
    """
    from dataclasses import replace

    from flowalpr.flow.load import find_flow, flow_name, load_flow
    from flowalpr.plugins import load_plugins
    from flowalpr.service.checks import variables_of
    from flowalpr.service.needs import needs_of
    from flowalpr.service.unit import Service

    path = find_flow(flow).absolute()
    words = ["run", str(path), "--summary", "none"]
    words += [word for each in settings for word in ("--set", each)]
    words += [word for each in without for word in ("--no-plugin", each)]
    folders = tuple(each.absolute() for each in writes)
    service = Service(flow=flow_name(path), command=(*_program(), *words), of_user=of_user, writes=folders)
    variables = variables_of(service.variables)
    environ = os.environ if variables is None else variables
    graph = load_flow(path, load_plugins(without), settings=by_name(settings), environ=environ)
    return replace(service, needs=needs_of(graph))


def _program() -> tuple[str, ...]:
    """What runs flowalpr in this environment."""
    script = Path(sys.prefix) / "bin" / "flowalpr"
    return (str(script),) if script.exists() else (sys.executable, "-m", "flowalpr")


def _sudo(of_user: bool) -> str:
    return "" if of_user else "sudo "
