"""Assembles the commands and turns errors into messages and exit codes: 0 done, 1 failed, 2 the input is wrong."""

from __future__ import annotations

import atexit
import inspect
import os
import re
import sys
import threading
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

import typer
from typer.core import TyperGroup
from typer.main import get_group

from flowalpr.errors import FlowalprError, missing_module

if TYPE_CHECKING:
    from typer._click import Command, Context  # Nothing public names them.

COMMANDS = {
    "run": "run",
    "status": "status",
    "logs": "looking",
    "deploy": "looking",
    "read": "read",
    "monitor": "monitor",
    "check": "check",
    "doctor": "doctor",
    "graph": "graph",
    "schema": "schema",
    "export": "export",
    "nodes": "nodes",
    "models": "models",
    "data": "data",
    "train": "train",
    "eval": "evaluate",
    "compress": "compress",
    "bench": "bench",
    "new": "new",
    "alerts": "alerts",
    "reads": "reads",
    "store": "store",
    "watchlist": "watchlist",
    "zone": "zone",
    "service": "service",
    "token": "token",
    "audit": "audit",
    "privacy": "privacy",
    "subject": "subject",
}
"""The module of each command, which holds a function of its name, or `app` with commands of its own."""


class Commands(TyperGroup):
    """The commands, each imported when it is asked for: one that is called waits for no other."""

    def list_commands(self, ctx: Context) -> list[str]:
        """Their names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        """The command of that name."""
        # Of a name that is unknown, typer looks for the nearest among those that are here.
        for name in [cmd_name] if cmd_name in COMMANDS else COMMANDS:
            if name not in self.commands:
                self.commands[name] = _load(name)
        return super().get_command(ctx, cmd_name)


def _load(name: str) -> Command:
    module = import_module(f"flowalpr.cli.{COMMANDS[name]}")
    alone = typer.Typer()
    if hasattr(module, "app"):
        alone.add_typer(module.app, name=name)
    else:
        alone.command(name)(getattr(module, name))
    command = get_group(alone).commands[name]
    _unwrap(command)
    return command


def _unwrap(command: Command) -> None:
    """Make one line of each paragraph of its help: docstrings are wrapped for editors, a terminal has its own width."""
    command.help = re.sub(r"(?<=\S) *\n *(?=\S)", " ", inspect.cleandoc(command.help or ""))
    for each in command.commands.values() if isinstance(command, TyperGroup) else ():
        _unwrap(each)


app = typer.Typer(
    cls=Commands,
    name="flowalpr",
    help="Read licence plates live, at the edge.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # A traceback is for a fault of ours, and then in full.
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _flowalpr() -> None:
    """Nothing of its own; typer makes a group of an app without commands by it."""


class Farewell:
    """Ends the process where a thread is left that did not end: a node that hangs, or one that nobody waited for.

    Python would take itself apart around it, and a thread that then comes back from OpenCV or onnxruntime aborts the
    process, whatever its exit code was to be (CPython before 3.14: github.com/python/cpython/issues/87135).
    """

    def __init__(self) -> None:
        self.code = 1
        atexit.register(self._leave)  # The first that is registered is called last.

    def _leave(self) -> None:
        if threading.active_count() > 1:
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError, ValueError):  # It is closed.
                    stream.flush()
            os._exit(self.code)


def main() -> None:
    """Run the command line."""
    farewell = Farewell()
    try:
        _run()
    except SystemExit as end:
        farewell.code = end.code if isinstance(end.code, int) else int(end.code is not None)
        raise


def _run() -> None:
    try:
        app()
    except FlowalprError as error:
        _fail(error)
    except ModuleNotFoundError as error:
        known = missing_module(error)
        if known is None:
            raise
        _fail(known)


def _fail(error: FlowalprError) -> None:
    typer.echo(str(error), err=True)
    sys.exit(error.exit_code)
