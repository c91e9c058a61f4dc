"""The OpenALPR benchmark (`endtoend/us`, `br`, `eu`): beside each picture a line of name, box and text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from flowalpr.errors import Place, Problem
from flowalpr.lab.datasets.importers import Choice, Found, normal_text, pictures
from flowalpr.lab.datasets.sample import DataError, Plate

COUNTRIES = {"us": "US", "br": "BR"}


def read(source: Path, _: Choice) -> Iterator[Found]:
    """Every picture below a folder that has a text file of the same name."""
    for path in pictures(source):
        labels = path.with_suffix(".txt")
        if labels.exists():
            yield Found(path, tuple(_plates(labels, COUNTRIES.get(path.parent.name.lower()))))


def _plates(labels: Path, country: str | None) -> Iterator[Plate]:
    for number, line in enumerate(labels.read_text("utf-8", errors="replace").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            _, left, top, width, height, text = line.split("\t")
            box = (float(left), float(top), float(width), float(height))
        except ValueError:
            problem = Problem(
                "this line is not a label",
                expected="name, left, top, width, height and text, with tabs between them",
                place=Place(str(labels), number, 1),
            )
            raise DataError(problem) from None
        yield Plate(box=box, text=normal_text(text), country=country)
