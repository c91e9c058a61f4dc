"""Data sets in our own format: `labels.jsonl`, and the older `crops.jsonl` with one plate a line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from flowalpr.errors import Place, Problem
from flowalpr.lab.datasets.importers import Choice, Found
from flowalpr.lab.datasets.sample import DataError, Plate, load

CROPS = "crops.jsonl"


class _Crop(BaseModel):
    model_config = ConfigDict(extra="forbid")

    file: str
    box: tuple[float, float, float, float]
    text: str | None = None
    country: str | None = None
    rows: int | None = None
    reason: str | None = None


def read(source: Path, _: Choice) -> Iterator[Found]:
    """The pictures of a folder with labels, or of the file with labels given itself."""
    if source.name == CROPS:
        yield from _crops(source)
        return
    dataset = load(source)
    for sample in dataset:
        yield Found(dataset.picture(sample), sample.plates, sample.conditions)


def _crops(source: Path) -> Iterator[Found]:
    with source.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                crop = _Crop.model_validate_json(line)
            except ValidationError:
                expected = '{"file": ..., "box": [x, y, w, h], "text": ...}'
                place = Place(str(source), number, 1)
                raise DataError(Problem("this line is not a crop", expected, place=place)) from None
            yield Found(source.parent / crop.file, (Plate(**crop.model_dump(exclude={"file"})),))
