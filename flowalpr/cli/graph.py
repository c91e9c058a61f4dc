"""`flowalpr graph`: a drawing of a flow, its nodes, ports and threads."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from flowalpr.cli.options import Blocked, Flow, Settings, by_name
from flowalpr.cli.output import write_or_print


class Format(str, Enum):
    """What a flow is drawn with."""

    tree = "tree"
    mermaid = "mermaid"
    svg = "svg"


ENDINGS = {".svg": Format.svg, ".mmd": Format.mermaid, ".mermaid": Format.mermaid}


def graph(
    flow: Flow,
    form: Annotated[
        Format | None,
        typer.Option("--format", help="Text, the language of Mermaid, or a picture; by itself, what `--out` ends in."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The file to write.")] = None,
    settings: Settings = None,
    without: Blocked = None,
) -> None:
    """Draw a flow: its nodes, what they take and give, and the threads that run them."""
    from flowalpr.cli.drawing.mermaid import mermaid
    from flowalpr.cli.drawing.svg import svg
    from flowalpr.cli.drawing.tree import tree
    from flowalpr.engine.plan import plan
    from flowalpr.flow.load import find_flow, load_flow
    from flowalpr.plugins import load_plugins

    loaded = load_flow(find_flow(flow), load_plugins(without or ()), settings=by_name(settings))
    form = form or ENDINGS.get(out.suffix.lower() if out else "", Format.tree)
    draw = {Format.tree: tree, Format.mermaid: mermaid, Format.svg: svg}[form]
    write_or_print(draw(loaded, plan(loaded)), out)
