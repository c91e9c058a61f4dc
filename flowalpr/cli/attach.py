"""Which running flow a command looks into: one of this machine by its name, or one of another by its address."""

from __future__ import annotations

from collections.abc import Awaitable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from flowalpr.errors import Problem, SetupError, nearest

if TYPE_CHECKING:
    from flowalpr.control.client import Client

T = TypeVar("T")

Name = Annotated[
    str | None, typer.Argument(metavar="[NAME]", help="The running flow; may be left out where only one runs.")
]


def _place(value: str) -> str:
    """A place of a token; refused is a token itself, which others would see in the list of processes."""
    if value.partition(":")[0] not in ("env", "file", "credential"):
        raise typer.BadParameter("a token is never written here: env:NAME or file:PATH")
    return value


Host = Annotated[
    str | None,
    typer.Option("--host", metavar="URL", help="A flow of another machine, https://HOST:PORT, in place of NAME."),
]
TokenPlace = Annotated[
    str,
    typer.Option(
        "--token", metavar="PLACE", callback=_place, help="Where the token for --host is: env:NAME or file:PATH."
    ),
]
Authority = Annotated[
    Path | None, typer.Option("--ca", metavar="FILE", help="Authority that signed the certificate of --host, PEM.")
]
DEFAULT_TOKEN = "env:FLOWALPR_TOKEN"  # noqa: S105  # Where it is, not what it is.


async def attached(
    name: str | None, host: str | None = None, token: str = DEFAULT_TOKEN, authority: Path | None = None
) -> Client:
    """The client of the flow that is meant.

    Raises:
        SetupError: no such flow runs, several do, or the token is not where it should be.
    """
    from flowalpr.control.client import Client, flows

    if host is not None:
        from flowalpr.settings import Secret

        return Client(host, Secret(token).reveal().strip(), authority=authority)
    found = await flows()
    names = [each.name for each in found]
    wanted = [each for each in found if name in (None, each.name)]
    if len(wanted) == 1:
        return Client(wanted[0].socket)
    if not found:
        raise SetupError("no flow of this user runs on this machine", "start one: flowalpr run FLOW")
    if name is None:
        raise SetupError(f"{len(found)} flows run: {', '.join(names)}", "name one of them")
    problem = Problem(f"no flow '{name}' runs", f"one of {', '.join(names)}", nearest(name, names))
    raise SetupError(str(problem))


def asked(awaitable: Awaitable[T]) -> T:
    """The result of what a client is asked."""
    import asyncio  # Here, since it takes as long as all else that most commands need.

    async def run() -> T:
        return await awaitable

    return asyncio.run(run())
