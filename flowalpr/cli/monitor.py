"""`flowalpr monitor`: see and steer a running flow, in a terminal or in a browser of this machine."""

from __future__ import annotations

import os
import shlex
import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowalpr.errors import SetupError

if TYPE_CHECKING:
    from flowalpr.tui.door import Door
    from flowalpr.tui.feed import Reach

TOKEN = "FLOWALPR_TOKEN"  # noqa: S105  # The name of a variable.
"""The environment variable that holds the token for a flow on another machine."""


def monitor(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="The flow; may be left out while only one runs.")] = "",
    host: Annotated[
        str, typer.Option(metavar="URL", help=f"A flow on another machine, https://HOST:PORT; its token in {TOKEN}.")
    ] = "",
    authority: Annotated[
        Path | None, typer.Option("--ca", help="The authority that signed that machine's certificate, if no known one.")
    ] = None,
    web: Annotated[bool, typer.Option("--web", help="In a browser on this machine instead of here.")] = False,
    port: Annotated[int, typer.Option(min=1, max=65535, help="With --web: the port on 127.0.0.1.")] = 8790,
) -> None:
    """See and steer a running flow: its nodes, cameras, reads, alerts, sinks, machine and log. `?` shows the keys.

    The monitor is a window, no part of the flow: closing it changes nothing. It waits for a flow that is not there.
    """
    if web:
        from flowalpr.tui.web import serve

        where = [*([name] if name else []), *(["--host", host] if host else [])]
        where += ["--ca", str(authority.resolve())] if authority else []
        serve(shlex.join([sys.executable, "-m", "flowalpr", "monitor", *where]), port)
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()) and not os.environ.get("TEXTUAL_DRIVER"):
        raise SetupError("the monitor needs a terminal", "for scripts there is `flowalpr status --json`")
    from flowalpr.tui.app import Monitor

    app = Monitor(_reach(name, host, authority), name or host)
    app.run()
    sys.exit(app.return_code)


def _reach(name: str, host: str, authority: Path | None) -> Reach:
    """How to find the flow, whenever it is looked for."""

    async def reach() -> AbstractAsyncContextManager[Door]:
        # Here, since the first screen does not wait for the libraries of HTTP.
        from flowalpr.control.client import Client, flows

        if host:
            return Client(host, os.environ.get(TOKEN), authority=authority)
        found = await flows()
        wanted = [each for each in found if each.name == name or not name]
        if len(wanted) > 1:
            names = ", ".join(each.name for each in wanted)
            raise SetupError(f"several flows run here: {names}", f"flowalpr monitor {wanted[0].name}")
        if not wanted:
            raise SetupError(f"the flow {name} does not run here" if name else "no flow runs here", "flowalpr run FLOW")
        return Client(wanted[0].socket)

    return reach
