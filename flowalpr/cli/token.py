"""`flowalpr token`: who may look into flows from other machines."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from flowalpr.cli.options import AsJson
from flowalpr.errors import SetupError

if TYPE_CHECKING:
    from datetime import timedelta

app = typer.Typer(help="Create, list and revoke tokens for `flowalpr run --listen`.", no_args_is_help=True)

LONGEST_NAME = 60


class Role(str, Enum):
    """As `flowalpr.control.tokens.Role`, whose import would delay every command."""

    viewer = "viewer"
    operator = "operator"
    admin = "admin"


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose it is; the audit log names it so.")],
    role: Annotated[
        Role,
        typer.Option(
            help="viewer: all but plates and pictures; operator: these too, acknowledge, correct, pause; "
            "admin: change flow and lists too."
        ),
    ] = Role.viewer,
    good_for: Annotated[str, typer.Option("--for", metavar="TIME", help="Until it expires: 30 d; or `ever`.")] = "90 d",
) -> None:
    """Make a token and print it: this once, for only its hash is kept."""
    from flowalpr.control import tokens

    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise typer.BadParameter(f"a name has 1 to {LONGEST_NAME} printable characters", param_hint="NAME")
    duration = _duration(good_for)
    _note("token created", name=name, role=role.value)
    token, secret = tokens.Tokens().create(name.strip(), tokens.Role(role.value), duration)
    until = f"until {token.expires:%Y-%m-%d %H:%M} UTC" if token.expires else "for ever"
    typer.echo(f"token {token.id} of {token.name}, {token.role.value}, good {until}; it is shown this once:", err=True)
    typer.echo(secret)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the tokens; what was handed out is not among it."""
    from flowalpr.control.tokens import Tokens

    found = Tokens().all()
    if as_json:
        typer.echo(json.dumps([each.model_dump(mode="json", exclude={"hash"}) for each in found]))
        return
    now = datetime.now(timezone.utc)
    for each in found:
        end = f"until {each.expires:%Y-%m-%d}" if each.expires else "for ever"
        typer.echo(f"{each.id}  {each.role.value:<8}  {end if each.is_valid(now) else 'expired':<16}  {each.name}")
    if not found:
        typer.echo("there is no token", err=True)


@app.command()
def revoke(id: Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it.")]) -> None:  # noqa: A002  # Its name.
    """Let a token open no door any more, from this moment on, nor keep open what it opened."""
    from flowalpr.control.tokens import Tokens

    _note("token revoked", id=id)
    gone = Tokens().revoke(id)
    if gone is None:
        raise SetupError(f"there is no token '{id}'", "see which there are: flowalpr token list")
    typer.echo(f"token {gone.id} of {gone.name} opens no door any more")


def _duration(text: str) -> timedelta | None:
    from datetime import timedelta

    from flowalpr.settings import parse_duration

    if text == "ever":
        return None
    try:
        found = parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--for") from None
    if not isinstance(found, timedelta) or not timedelta(0) < found < timedelta(days=36500):
        raise typer.BadParameter("a token is good for more than 0 s and less than 100 years", param_hint="--for")
    return found


def _note(action: str, **about: str) -> None:
    from flowalpr.storage.audit import AuditLog
    from flowalpr.storage.caller import caller

    AuditLog().record(action, caller(), about=about)
