"""A progress bar that shows itself only where a person looks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def progress(items: Iterable[T], title: str, total: int | None = None, *, quiet: bool = False) -> Iterator[T]:
    """The items, with a bar and the time left on a terminal; a file or a pipe gets none."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    yield from track(items, title, total, console=console, transient=True, disable=quiet or not console.is_terminal)
