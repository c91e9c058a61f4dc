"""`flowalpr monitor`: see and steer a running flow, in a terminal or in a browser of this machine."""

from __future__ import annotations

import os
import shlex
import sys
from functools import partial
from typing import Annotated

import typer

from flowalpr.cli.attach import DEFAULT_TOKEN, Authority, Host, Name, TokenPlace, attached
from flowalpr.errors import SetupError


def monitor(
    name: Name = None,
    host: Host = None,
    token: TokenPlace = DEFAULT_TOKEN,
    authority: Authority = None,
    web: Annotated[bool, typer.Option("--web", help="In a browser on this machine instead of here.")] = False,
    port: Annotated[int, typer.Option(min=1, max=65535, help="With --web: the port on 127.0.0.1.")] = 8790,
) -> None:
    """See and steer a running flow: its nodes, cameras, reads, alerts, sinks, machine and log. `?` shows the keys.

    The monitor is a window, no part of the flow: closing it changes nothing. It waits for a flow that is not there.
    """
    if web:
        from flowalpr.tui.web import serve

        where = [*([name] if name else []), *(["--host", host, "--token", token] if host else [])]
        where += ["--ca", str(authority.resolve())] if authority else []
        serve(shlex.join([sys.executable, "-m", "flowalpr", "monitor", *where]), port)
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()) and not os.environ.get("TEXTUAL_DRIVER"):
        raise SetupError("the monitor needs a terminal", "for scripts there is `flowalpr status --json`")
    from flowalpr.tui.app import Monitor

    app = Monitor(partial(attached, name, host, token, authority), name or host or "")
    app.run()
    sys.exit(app.return_code)
