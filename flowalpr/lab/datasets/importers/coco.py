"""COCO: one JSON file with pictures, boxes and classes; corners from a polygon of four points or four key points."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any  # The file's JSON, before it is checked.

from pydantic import BaseModel, ValidationError

from flowalpr.errors import Problem
from flowalpr.lab.datasets.importers import (
    Choice,
    Found,
    no_plate_class,
    normal_text,
    pictures,
    sounds_like_a_plate,
)
from flowalpr.lab.datasets.sample import Corners, DataError, Plate

EXPECTED = "JSON with the keys images, annotations and categories"


class _Image(BaseModel):
    id: int | str
    file_name: str


class _Category(BaseModel):
    id: int | str
    name: str


class _Annotation(BaseModel):
    image_id: int | str
    category_id: int | str
    bbox: tuple[float, float, float, float]
    segmentation: Any = None  # Polygons, or run lengths that hold no corners.
    keypoints: list[float] | None = None
    text: str | None = None
    attributes: dict[str, Any] = {}  # Whatever a labelling tool adds.


class _File(BaseModel):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]


def read(source: Path, choice: Choice) -> Iterator[Found]:
    """Every picture that the JSON files of a folder, or the one given itself, list."""
    folder = source.parent if source.is_file() else source
    by_name = {path.name: path for path in pictures(folder)}
    for path in [source] if source.is_file() else sorted(source.rglob("*.json")):
        content = _parse(path)
        plate_classes = {each.id for each in content.categories if sounds_like_a_plate(each.name, choice)}
        if not plate_classes:
            raise no_plate_class(path, {each.name for each in content.categories})
        plates = defaultdict(list)
        for each in content.annotations:
            if each.category_id in plate_classes:
                plates[each.image_id].append(_plate(each))
        for image in content.images:
            picture = by_name.get(Path(image.file_name).name)
            if picture is not None:
                yield Found(picture, tuple(plates[image.id]))


def _parse(path: Path) -> _File:
    try:
        return _File.model_validate(json.loads(path.read_bytes()))
    except (ValidationError, ValueError):
        raise DataError(Problem(f"{path} is not a label file of COCO", expected=EXPECTED)) from None


def _plate(annotation: _Annotation) -> Plate:
    text = annotation.text or annotation.attributes.get("text") or annotation.attributes.get("plate")
    return Plate(box=annotation.bbox, corners=_corners(annotation), text=normal_text(text))


def _corners(annotation: _Annotation) -> Corners | None:
    if annotation.keypoints and len(annotation.keypoints) == 12:
        return _four(annotation.keypoints, 3)
    shapes = annotation.segmentation
    if isinstance(shapes, list) and len(shapes) == 1 and len(shapes[0]) == 8:
        return _four(shapes[0], 2)
    return None


def _four(numbers: list[float], step: int) -> Corners:
    first, second, third, fourth = ((numbers[i], numbers[i + 1]) for i in range(0, 4 * step, step))
    return first, second, third, fourth
