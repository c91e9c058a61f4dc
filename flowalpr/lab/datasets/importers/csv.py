"""A table of file names and texts: what most people have.

Columns, in any order and under the usual names: `file`, `text`, and if known `x, y, w, h` or
`xmin, ymin, xmax, ymax` in pixels, and `country`. Several rows may name one picture.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from flowalpr.errors import Place, Problem
from flowalpr.lab.datasets.importers import Choice, Found, normal_text, pictures
from flowalpr.lab.datasets.sample import DataError, Plate

FILE = ("file", "filename", "file_name", "image", "image_path", "path", "picture")
TEXT = ("text", "plate", "label", "number", "registration", "lp")
COUNTRY = ("country", "region")
SIZED = (("x", "left"), ("y", "top"), ("w", "width"), ("h", "height"))
CORNERED = (("xmin", "x1"), ("ymin", "y1"), ("xmax", "x2"), ("ymax", "y2"))
EXPECTED = "a first line with the columns file and text, and if known x, y, w, h or xmin, ymin, xmax, ymax"


def read(source: Path, _: Choice) -> Iterator[Found]:
    """Every picture that the CSV files in a folder, or the one given itself, list."""
    tables = [source] if source.is_file() else sorted(source.glob("*.csv"))
    if not tables:
        raise DataError(Problem(f"{source} has no CSV file", expected=EXPECTED))
    for table in tables:
        by_name = {path.name: path for path in pictures(table.parent)}
        plates: dict[Path, list[Plate]] = defaultdict(list)
        for place, row in _rows(table):
            name = _value(row, FILE)
            if name is None:
                raise DataError(Problem("no file is named", EXPECTED, place=place))
            path = table.parent / name
            plates[path if path.is_file() else by_name.get(Path(name).name, path)].append(_plate(row, place))
        for picture, its_plates in plates.items():
            yield Found(picture, tuple(its_plates))


def _rows(table: Path) -> Iterator[tuple[Place, Mapping[str, str]]]:
    with table.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        try:
            dialect: type[csv.Dialect] = csv.Sniffer().sniff(lines.read(4096), delimiters=",;\t")
        except csv.Error:
            dialect = csv.excel
        lines.seek(0)
        reader = csv.DictReader(lines, dialect=dialect)
        for row in reader:
            known = {key.strip().lower(): value.strip() for key, value in row.items() if key and value}
            yield Place(str(table), reader.line_num, 1), known


def _value(row: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((row[name] for name in names if row.get(name)), None)


def _plate(row: Mapping[str, str], place: Place) -> Plate:
    sized, cornered = ([_value(row, names) for names in columns] for columns in (SIZED, CORNERED))
    text, country = normal_text(_value(row, TEXT)), _value(row, COUNTRY)
    try:
        if all(cornered):
            left, top, right, bottom = (float(each or "") for each in cornered)
            return Plate(box=(left, top, right - left, bottom - top), text=text, country=country)
        if all(sized):
            left, top, width, height = (float(each or "") for each in sized)
            return Plate(box=(left, top, width, height), text=text, country=country)
    except ValueError:
        raise DataError(Problem("a side of the box is not a number", EXPECTED, place=place)) from None
    return Plate(text=text, country=country)
