"""Labelled pictures on disk: one folder, one `labels.jsonl`, one JSON object a picture.

```
my-plates/
  labels.jsonl        {"file": "images/1.jpg", "width": 1280, "height": 720, "plates": [...]}
  images/1.jpg
```

A plate is `{"box": [x, y, w, h] or null, "corners": [[x, y] x 4] or null, "text": "AB12CDE" or null}` and, where
known, `country`, `rows` and `reason` (why there is no text). A picture may name its `conditions`, such as
`["night", "rain"]`, plates that nobody labelled (`unlabelled`, of the same form), and that a person has seen all of its
plates (`looked_at`). Pixels are those of the picture as it is shown, that is after the EXIF rotation. Every command of
the lab reads this format and `flowalpr data import` writes it; nothing else has a format of its own.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flowalpr.errors import FlowalprError, Place, Problem

if TYPE_CHECKING:
    from flowalpr.vision.image import Picture

LABELS = "labels.jsonl"
SHOWN_MISTAKES = 10

Point = tuple[float, float]
Corners = tuple[Point, Point, Point, Point]


class DataError(FlowalprError):
    """What is wrong with a user's pictures or labels; all mistakes at once, of very many the first ten."""

    exit_code = 2

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        more = len(problems) - SHOWN_MISTAKES
        shown = [str(problem) for problem in problems[:SHOWN_MISTAKES]]
        super().__init__("\n\n".join(shown + ([f"and {more} more like these"] if more > 0 else [])))


class Plate(BaseModel):
    """One plate of a picture, as a person labelled it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    box: tuple[float, float, float, float] | None = None
    """Left, top, width, height in pixels; None where only the text is known."""
    corners: Corners | None = None
    """Clockwise from the plate's own top left, in pixels."""
    text: str | None = None
    """Upper case without blanks, dashes and dots; None where nobody could read it: never scored as text."""
    country: str | None = None
    """ISO code, but `D` for Germany."""
    rows: int | None = Field(default=None, ge=1, le=3)
    """Lines of characters; None is not known and counts as one."""
    reason: str | None = None
    """Why there is no text, in a few words."""

    @property
    def bounds(self) -> tuple[float, float, float, float] | None:
        """Left, top, right, bottom in pixels, or None without a box."""
        if self.box is None:
            return None
        left, top, width, height = self.box
        return left, top, left + width, top + height


def boxes_of(plates: Iterable[Plate]) -> NDArray[np.float32]:
    """Left, top, right, bottom of the plates that have a box, (n, 4)."""
    return np.array([plate.bounds for plate in plates if plate.bounds], np.float32).reshape(-1, 4)


class Sample(BaseModel):
    """One labelled picture."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str = Field(min_length=1)
    """Path of the picture, from the folder of the labels."""
    width: int = Field(ge=1)
    height: int = Field(ge=1)
    plates: tuple[Plate, ...] = ()
    conditions: tuple[str, ...] = ()
    """What made the picture easy or hard, in free words: day, night, rain, fog, blur, angle, distance ..."""
    looked_at: bool = False
    """Whether a person has answered for every plate found in it; if `plates` is empty then, there is none."""
    unlabelled: tuple[Plate, ...] = ()
    """Plates that are there, but that whoever labelled the picture passed over: whether they are found or read counts
    neither for nor against."""

    def as_line(self) -> str:
        """The sample as one line of `labels.jsonl`; what is not known is left out, `text`, `box`, `corners` never."""
        line: dict[str, object] = {
            "file": self.file,
            "width": self.width,
            "height": self.height,
            "plates": [_plain(plate) for plate in self.plates],
        }
        if self.looked_at:
            line["looked_at"] = True
        if self.unlabelled:
            line["unlabelled"] = [_plain(plate) for plate in self.unlabelled]
        if self.conditions:
            line["conditions"] = list(self.conditions)
        return json.dumps(line, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Dataset:
    """A folder of labelled pictures."""

    folder: Path
    samples: tuple[Sample, ...]

    @property
    def name(self) -> str:
        """The last two parts of the folder, `val/world`, as reports show it."""
        return "/".join(self.folder.resolve().parts[-2:])

    def picture(self, sample: Sample) -> Path:
        """The file of a sample's picture."""
        return self.folder / sample.file

    def __iter__(self) -> Iterator[Sample]:
        return iter(self.samples)

    def __len__(self) -> int:
        return len(self.samples)


def _plain(plate: Plate) -> dict[str, object]:
    return {
        key: value
        for key, value in plate.model_dump().items()
        if value is not None or key in ("box", "corners", "text")
    }


def load(folder: Path) -> Dataset:
    """The data set in a folder, or the one whose `labels.jsonl` is given itself.

    Raises:
        DataError: there is no `labels.jsonl`, or lines of it are wrong.
    """
    path = folder / LABELS if folder.is_dir() else folder
    if not path.is_file():
        raise DataError(
            Problem(
                f"{folder} is not a data set: there is no file {path}",
                expected=f"a folder with a {LABELS}",
                fix="flowalpr data import --help shows how to make one from what you have",
            )
        )
    samples, problems = _read_lines(path)
    if problems:
        raise DataError(*problems)
    return Dataset(path.parent, tuple(samples))


def decoded(dataset: Dataset, sample: Sample) -> Picture:
    """The picture of a sample.

    Raises:
        DataError: it is missing, or cannot be decoded; with the line of the labels that names it.
    """
    from flowalpr.vision.image import PictureError
    from flowalpr.vision.image import load as load_picture

    path = dataset.picture(sample)
    try:
        return load_picture(path)
    except FileNotFoundError:
        what = f"there is no picture {path}"
    except (PictureError, OSError) as error:
        what = f"{path} cannot be read: {str(error).splitlines()[0]}"
    fix = f"flowalpr data check {dataset.folder} names all such pictures; put them right, or delete their lines"
    raise DataError(Problem(what, fix=fix, place=_place(dataset, sample)))


def save(dataset: Dataset) -> None:
    """Write `labels.jsonl` whole or not at all: a crash leaves the old file."""
    write_lines(dataset.folder / LABELS, (sample.as_line() for sample in dataset))


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Replace a text file in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("w", encoding="utf-8") as out:
        out.writelines(line + "\n" for line in lines)
    draft.replace(path)


def _place(dataset: Dataset, sample: Sample) -> Place | None:
    labels, name = dataset.folder / LABELS, json.dumps(sample.file, ensure_ascii=False)
    lines = labels.read_text(encoding="utf-8").splitlines() if labels.is_file() else []
    return next((Place(str(labels), line, 1) for line, text in enumerate(lines, start=1) if name in text), None)


def _read_lines(path: Path) -> tuple[list[Sample], list[Problem]]:
    samples, problems = [], []
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                samples.append(Sample.model_validate_json(line))
            except ValidationError as error:
                what, expected = _first_mistake(error)
                problems.append(Problem(what, expected, place=Place(str(path), number, 1)))
    return samples, problems


def _first_mistake(error: ValidationError) -> tuple[str, str]:
    """What is wrong in a line and what was expected; never the value, which may be a plate text."""
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    if not where:
        return "this line is not JSON", '{"file": ..., "width": ..., "height": ..., "plates": [...]}'
    return f"'{where}' is wrong", first["msg"].lower()
