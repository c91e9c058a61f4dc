"""`flowalpr run`: a flow from its start to its orderly end."""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from enum import Enum
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from flowalpr.cli.door import Certificate, Key, Listen, network_of, open_door
from flowalpr.cli.options import Blocked, Flow, Settings, by_name

if TYPE_CHECKING:
    from rich.console import Console

    from flowalpr.engine.runner import Runner
    from flowalpr.flow.graph import Graph
    from flowalpr.plugins import Catalogue


class Ending(str, Enum):
    """How a run is summed up."""

    table = "table"
    json = "json"
    none = "none"


def run(
    flow: Flow,
    settings: Settings = None,
    watch: Annotated[bool, typer.Option(help="Take changes of the flow file over while it runs.")] = False,
    tui: Annotated[bool, typer.Option("--tui", help="Open the monitor on this terminal, in a second process.")] = False,
    summary: Annotated[Ending, typer.Option(help="How the run is summed up, on standard error.")] = Ending.table,
    verbose: Annotated[int, typer.Option("-v", "--verbose", count=True, help="Log what happens; -vv all.")] = 0,
    log_json: Annotated[bool, typer.Option("--log-json", help="Log one JSON object a line.")] = False,
    without: Blocked = None,
    listen: Listen = None,
    tls_cert: Certificate = None,
    tls_key: Key = None,
) -> None:
    """Run a flow until its recordings end or Ctrl-C is pressed.

    Ctrl-C (or SIGTERM) stops the sources and lets what is on its way arrive, for at most 5 seconds; a second Ctrl-C
    stops at once. While it runs, `flowalpr status` and `flowalpr logs` look into it, and `flowalpr deploy` changes it.
    Exit code 0: done; 1: the flow failed, or a recording could not be read to its end; 2: the flow file is wrong.
    """
    from rich.console import Console

    from flowalpr.cli.beside import monitor_beside
    from flowalpr.cli.logs import set_up
    from flowalpr.control.flow import RunningFlow
    from flowalpr.control.heard import Heard
    from flowalpr.control.logs import LogKeeper
    from flowalpr.engine.allocator import limit_arenas
    from flowalpr.engine.runner import Runner
    from flowalpr.plugins import load_plugins
    from flowalpr.state import state_folder
    from flowalpr.telemetry.supervisor import Supervisor

    limit_arenas()
    network = network_of(listen, tls_cert, tls_key)
    logs = LogKeeper()
    set_up(verbose, log_json, logs)
    console = Console(stderr=True)
    catalogue = load_plugins(without or ())
    load = _Loader(flow, by_name(settings), catalogue)
    graph = load.graph()
    heard = Heard()
    folder = state_folder(graph.name)
    runner = Runner(graph, folder / "dead-letters.jsonl", hook=catalogue.hook, listen=heard.listen)
    _halt_on_signals(runner, console)
    with monitor_beside(tui, folder / "run.log", runner) as look:
        runner.start()
        try:
            running = RunningFlow(runner, heard, folder, logs=logs, check=load.graph_of)
            with open_door(running, network, console) as name, Supervisor(runner.snapshot, runner.hanging):
                look(name)
                if watch:
                    _watch(runner, load, console)
                runner.wait()
        finally:
            runner.stop()
    _sum_up(runner, summary, console)
    if runner.error is not None or runner.failed_sources():
        sys.exit(1)


class _Loader:
    """Loads the flow file, the first time and whenever it has changed."""

    def __init__(self, flow: str, settings: dict[str, str], catalogue: Catalogue) -> None:
        from flowalpr.flow.load import find_flow

        self._path = find_flow(flow)
        self._settings = settings
        self._catalogue = catalogue

    def graph(self) -> Graph:
        from flowalpr.flow.load import load_flow

        return load_flow(self._path, self._catalogue, settings=self._settings)

    def graph_of(self, text: str, shown: str) -> Graph:
        """The graph that the flow file would have if this were its text."""
        from flowalpr.flow.load import load_flow

        return load_flow(self._path, self._catalogue, settings=self._settings, text=text, shown=shown)


def _halt_on_signals(runner: Runner, console: Console) -> None:
    def halt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # The signature of a handler.
        runner.halt()
        with suppress(Exception, SystemExit):  # rich exits if standard error is gone; the flow must stop in order.
            console.print("\nstopping; press Ctrl-C again to stop at once", style="dim")

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, halt)


def _watch(runner: Runner, load: _Loader, console: Console) -> None:
    """Deploy the flow file anew whenever it changes; a mistake in it is shown, and the flow goes on as it is."""
    from flowalpr.errors import FlowalprError

    seen = _marks(runner.graph)
    while not runner.wait(0.3):
        marks = _marks(runner.graph)
        if marks == seen:
            continue
        seen = marks
        try:
            changed = runner.deploy(load.graph())
        except FlowalprError as error:
            console.print(str(error), markup=False, highlight=False)
            console.print("the flow goes on as it was", style="yellow")
        else:
            what = "replaced: " + ", ".join(changed) if changed else "no node changed"
            console.print(f"took over the changed flow file; {what}", style="green", highlight=False)
            # Of files known before, the mark from before they were read: one may have changed again since.
            seen = _marks(runner.graph) | {path: mark for path, mark in seen.items() if path in runner.graph.files}


def _marks(graph: Graph) -> dict[Path, tuple[int, int, int]]:
    """What tells one state of the flow's files from another; a missing file counts as a state."""

    def mark(path: Path) -> tuple[int, int, int]:
        try:
            found = path.stat()
        except OSError:
            return (0, 0, 0)
        return (found.st_mtime_ns, found.st_size, found.st_ino)

    return {path: mark(path) for path in graph.files}


def _sum_up(runner: Runner, summary: Ending, console: Console) -> None:
    snapshot = runner.snapshot()
    if summary is Ending.json:
        typer.echo(snapshot.model_dump_json(), err=True)
    elif summary is Ending.table:
        from flowalpr.cli.summary import print_summary

        print_summary(snapshot, console)
    if runner.dead_letters.count:
        count, path = runner.dead_letters.count, runner.dead_letters.path
        console.print(f"{count} messages failed and were put into {path}", style="yellow", markup=False)
    for name in runner.left_behind:
        console.print(f"node '{name}' did not stop in time and was left behind", style="red", markup=False)
    for name in runner.failed_sources():
        console.print(f"'{name}' could not be read to its end", style="red", markup=False)
    if runner.error is not None:
        console.print(f"the flow failed: {runner.error}", style="red", markup=False)
