"""`flowalpr logs` and `flowalpr deploy`: what a running flow says, and how it is changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowalpr.cli.attach import DEFAULT_TOKEN, Authority, Host, Name, TokenPlace, asked, attached
from flowalpr.cli.options import AsJson
from flowalpr.errors import SetupError

if TYPE_CHECKING:
    from flowalpr.control.client import Client

ABOUT = ("time", "level", "event", "logger")


def logs(
    name: Name = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with the lines to come.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, max=1000, help="How many of the last.")] = 50,
    host: Host = None,
    token: TokenPlace = DEFAULT_TOKEN,
    authority: Authority = None,
    as_json: AsJson = False,
) -> None:
    """Show what a running flow logs: the last lines, with all that happens, whatever it shows itself."""

    async def show() -> None:
        async with await attached(name, host, token, authority) as client:
            async for line in client.logs(follow, lines):
                typer.echo(json.dumps(line, ensure_ascii=False) if as_json else _told(line))

    try:
        asked(show())
    except KeyboardInterrupt:  # That is how following ends.
        return


def deploy(
    flow: Annotated[Path, typer.Argument(metavar="FLOW", help="The flow file to change to.")],
    name: Annotated[str | None, typer.Option("--to", metavar="NAME", help="The running flow.")] = None,
    host: Host = None,
    token: TokenPlace = DEFAULT_TOKEN,
    authority: Authority = None,
) -> None:
    """Change a running flow to another flow file, without stopping what did not change.

    The file is checked by the running flow first; if it is wrong, all that is wrong is shown, and the flow goes on as
    it was (exit code 1). Else it takes the place of the file that ran, so that a restart begins with it.
    """
    done = asked(_deployed(flow, name, host, token, authority))
    changed = ", ".join(done["changed"])
    typer.echo(f"replaced: {changed}" if changed else "no node changed")
    if not done["saved"]:
        typer.echo(f"a restart of the flow begins with the old file: {done['why_not']}", err=True)


async def _deployed(flow: Path, *where: Any) -> dict[str, Any]:  # Any: as `attached` takes them; JSON
    client: Client
    try:
        text = flow.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise SetupError(f"{flow} cannot be read: {error}") from None
    async with await attached(*where) as client:
        return await client.deploy(text, name=str(flow))


def _told(line: dict[str, Any]) -> str:  # Any: the values that JSON has
    about = " ".join(f"{key}={value}" for key, value in line.items() if key not in ABOUT)
    return f"{line.get('time', '')} [{line.get('level', '')}] {line.get('event', '')}  {about}".rstrip()
