"""A folder of pictures without labels: every picture below it, with no plate yet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from flowalpr.errors import Problem
from flowalpr.lab.datasets.importers import Choice, Found, pictures
from flowalpr.lab.datasets.sample import DataError


def read(source: Path, choice: Choice) -> Iterator[Found]:
    """Every picture below a folder."""
    if choice.country:
        fix = f"import without it, then  flowalpr data label FOLDER --country {choice.country}"
        raise DataError(Problem("pictures without labels have no plates to be of a country", fix=fix))
    for path in pictures(source):
        yield Found(path)
