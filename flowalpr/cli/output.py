"""Where a command's result goes."""

from __future__ import annotations

from pathlib import Path

import typer

from flowalpr.errors import SetupError


def write_or_print(text: str, out: Path | None) -> None:
    """Write a text to a file, or print it if there is none.

    Raises:
        SetupError: the file cannot be written.
    """
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SetupError(f"{out} cannot be written: {error.strerror}", "choose another place") from error
