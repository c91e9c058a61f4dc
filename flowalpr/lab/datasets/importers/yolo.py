"""YOLO: one text file a picture, a line an object, in shares of the picture's width and height.

A line has 5 numbers (class, centre, size), 9 (class, four corners: oriented boxes), or 13 or 17 (class, box, four
key points, these without or with a visibility). Names of classes come from `data.yaml` or `classes.txt`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from flowalpr.errors import Place, Problem
from flowalpr.lab.datasets.importers import (
    Choice,
    Found,
    no_plate_class,
    picture_size,
    pictures,
    sounds_like_a_plate,
)
from flowalpr.lab.datasets.sample import Corners, DataError, Plate

CLASS_LISTS = ("classes.txt", "obj.names")
SHAPES = "5, 9, 13 or 17 numbers: class, then box, corners, or box and key points"


def read(source: Path, choice: Choice) -> Iterator[Found]:
    """Every picture below a folder that has a text file: beside it, or in `labels` where it is in `images`."""
    wanted = _wanted(source, choice)
    for path in pictures(source):
        labels = _labels_of(path)
        size = picture_size(path) if labels else None
        if labels is None or size is None:
            continue
        lines = enumerate(labels.read_text("utf-8", errors="replace").splitlines(), start=1)
        numbered = ((Place(str(labels), number, 1), line) for number, line in lines if line.strip())
        plates = (_plate(line, place, size, wanted) for place, line in numbered)
        yield Found(path, tuple(plate for plate in plates if plate is not None))


def _labels_of(picture: Path) -> Path | None:
    parts = list(picture.with_suffix(".txt").parts)
    beside = [Path(*parts)]
    for index, part in enumerate(parts):
        if part == "images":
            beside.append(Path(*parts[:index], "labels", *parts[index + 1 :]))
    return next((path for path in beside if path.is_file()), None)


def _wanted(source: Path, choice: Choice) -> set[int] | None:
    """Numbers of the classes that are plates; None takes all, since no names are known."""
    names = _class_names(source)
    if not names:
        if choice.classes and not all(each.isdigit() for each in choice.classes):
            fix = "give the number of the class: --class 0"
            raise DataError(Problem(f"{source} has no names of classes", "data.yaml or classes.txt", fix))
        return {int(each) for each in choice.classes} or None
    if len(names) == 1 and not choice.classes:
        return set(names)
    wanted = {number for number, name in names.items() if sounds_like_a_plate(name, choice)}
    if not wanted:
        raise no_plate_class(source, set(names.values()))
    return wanted


def _class_names(source: Path) -> dict[int, str]:
    for name in CLASS_LISTS:
        if (source / name).is_file():
            return dict(enumerate((source / name).read_text("utf-8").split("\n")))
    for path in sorted([*source.glob("*.yaml"), *source.glob("*.yml")]):
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError

        try:
            content = YAML(typ="safe", pure=True).load(path.read_text("utf-8"))
        except (YAMLError, UnicodeDecodeError):
            raise DataError(Problem(f"{path} is not YAML", expected="names of classes under `names`")) from None
        names = content.get("names") if isinstance(content, dict) else None
        if isinstance(names, list):
            return {number: str(each) for number, each in enumerate(names)}
        if isinstance(names, dict):
            return {int(number): str(each) for number, each in names.items()}
    return {}


def _plate(line: str, place: Place, size: tuple[int, int], wanted: set[int] | None) -> Plate | None:
    try:
        numbers = [float(each) for each in line.split()]
    except ValueError:
        numbers = []
    if len(numbers) not in (5, 9, 13, 17):
        raise DataError(Problem("this line is not a label", expected=SHAPES, place=place))
    if wanted is not None and int(numbers[0]) not in wanted:
        return None
    width, height = size
    if len(numbers) == 9:
        corners = _corners(numbers[1:], 2, size)
        return Plate(box=_around(corners), corners=corners)
    x, y, w, h = numbers[1:5]
    box = ((x - w / 2) * width, (y - h / 2) * height, w * width, h * height)
    step = (len(numbers) - 5) // 4
    return Plate(box=box, corners=_corners(numbers[5:], step, size) if step else None)


def _corners(numbers: list[float], step: int, size: tuple[int, int]) -> Corners:
    first, second, third, fourth = (
        (numbers[index] * size[0], numbers[index + 1] * size[1]) for index in range(0, 4 * step, step)
    )
    return first, second, third, fourth


def _around(corners: Corners) -> tuple[float, float, float, float]:
    xs, ys = [point[0] for point in corners], [point[1] for point in corners]
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)
