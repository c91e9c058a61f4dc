"""Opens the door into a flow that is run from the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowalpr.errors import SetupError

if TYPE_CHECKING:
    from rich.console import Console

    from flowalpr.control.flow import RunningFlow
    from flowalpr.control.server import Network

Listen = Annotated[
    str | None,
    typer.Option(
        "--listen",
        metavar="HOST:PORT",
        envvar="FLOWALPR_LISTEN",
        help="Let other machines look into the flow, over TLS and with tokens (`flowalpr token create`).",
    ),
]
Certificate = Annotated[
    Path | None,
    typer.Option("--tls-cert", metavar="FILE", envvar="FLOWALPR_TLS_CERT", help="Certificate for --listen, PEM."),
]
Key = Annotated[
    Path | None, typer.Option("--tls-key", metavar="FILE", envvar="FLOWALPR_TLS_KEY", help="Its private key, PEM.")
]


def network_of(listen: str | None, certificate: Path | None, key: Path | None) -> Network | None:
    """Where the door is open to other machines; None if nowhere.

    Raises:
        typer.BadParameter: the address is none.
        SetupError: certificate or key are missing or unfit.
    """
    if listen is None:
        return None
    from flowalpr.control.server import Network

    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or not 0 <= int(port) < 65536:
        raise typer.BadParameter(f"{listen!r} is no HOST:PORT, for example 0.0.0.0:8443", param_hint="--listen")
    if certificate is None or key is None:
        raise SetupError(
            "--listen needs a certificate: plates are not sent in the clear",
            "--tls-cert FILE --tls-key FILE; docs/control.md says how to make them",
        )
    return Network(host.strip("[]"), int(port), certificate, key)


@contextmanager
def open_door(flow: RunningFlow, network: Network | None, console: Console) -> Iterator[str]:
    """Let others look at the flow and steer it; gives the name by which it is found.

    Where no socket can be made the flow runs all the same, and says so; where other machines were to look in and
    cannot, that is an error.

    Raises:
        SetupError: the address is in use, or the certificate is unfit.
    """
    from flowalpr.control.server import Door

    try:
        door = Door(flow, network)
    except SetupError as error:
        if network is not None:
            raise
        console.print(f"nobody can look into this flow: {error}", style="yellow", markup=False, highlight=False)
        yield flow.name
        return
    door.open()
    try:
        yield door.name
    finally:
        door.close()
