"""`flowalpr schema`: the JSON Schema of flow files, for editors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from flowalpr.cli.options import Blocked
from flowalpr.cli.output import write_or_print


def schema(
    out: Annotated[Path | None, typer.Option(help="The file to write; standard output without it.")] = None,
    without: Blocked = None,
) -> None:
    """Write the JSON Schema of flow files with all installed nodes, by which editors complete and check them.

    Editors with the YAML language server use it for files that begin with
    `# yaml-language-server: $schema=flow.schema.json`.
    """
    from flowalpr.flow.schema import flow_schema
    from flowalpr.plugins import load_plugins

    text = json.dumps(flow_schema(load_plugins(without or ())), indent=2, ensure_ascii=False) + "\n"
    write_or_print(text, out)
