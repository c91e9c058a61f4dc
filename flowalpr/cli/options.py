"""Arguments and options that several commands share, so that they are named and explained once."""

from __future__ import annotations

from typing import Annotated

import typer

Flow = Annotated[
    str, typer.Argument(metavar="FLOW", help="A flow file, or the name of a flow that comes in the box (`parking`).")
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NODE.SETTING=VALUE",
        help="Give a node's setting another value than the file; may be repeated: --set gate.url=rtsp://10.0.0.5/main",
    ),
]
Blocked = Annotated[
    list[str] | None, typer.Option("--no-plugin", metavar="NAME", help="Leave a plugin out; may be repeated.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]


def by_name(settings: list[str] | None) -> dict[str, str]:
    """`--set` options as a mapping from `node.setting` to its value.

    Raises:
        typer.BadParameter: if one has no `=`; the command then ends with exit code 2.
    """
    pairs = [each.partition("=") for each in settings or []]
    for name, equals, _ in pairs:
        if not equals:
            raise typer.BadParameter(f"{name!r} has no value: write NODE.SETTING=VALUE", param_hint="--set")
    return {name: value for name, _, value in pairs}
