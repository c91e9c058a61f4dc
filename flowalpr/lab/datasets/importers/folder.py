"""A folder of pictures without labels: every picture below it, with no plate yet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from flowalpr.lab.datasets.importers import Choice, Found, pictures


def read(source: Path, _: Choice) -> Iterator[Found]:
    """Every picture below a folder."""
    for path in pictures(source):
        yield Found(path)
