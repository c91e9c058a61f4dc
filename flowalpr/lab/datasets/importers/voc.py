"""Pascal VOC: one XML file a picture, with the name and box of every object."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as Tree

from flowalpr.errors import Problem
from flowalpr.lab.datasets.importers import (
    Choice,
    Found,
    no_plate_class,
    normal_text,
    pictures,
    sounds_like_a_plate,
)
from flowalpr.lab.datasets.sample import DataError, Plate


def read(source: Path, choice: Choice) -> Iterator[Found]:
    """Every picture below a folder that has an XML file, beside it or in a folder of its own."""
    by_stem = {path.stem: path for path in pictures(source)}
    names: set[str] = set()
    some = False
    for path in sorted(source.rglob("*.xml")):
        picture = by_stem.get(path.stem)
        if picture is None:
            continue
        root = _parse(path)
        names.update(each.findtext("name", "") for each in root.iter("object"))
        plates = tuple(_plates(root, path, choice))
        some = some or bool(plates)
        yield Found(picture, plates)
    if names and not some:
        raise no_plate_class(source, names)


def _parse(path: Path) -> Tree.Element:
    try:
        # Expat 2.4.1 and later refuses entities that blow up; external ones are never loaded here.
        return Tree.parse(path).getroot()  # noqa: S314
    except Tree.ParseError as error:
        raise DataError(Problem(f"{path} is not XML: {error}", expected="an annotation of Pascal VOC")) from None


def _plates(root: Tree.Element, path: Path, choice: Choice) -> Iterator[Plate]:
    for thing in root.iter("object"):
        if not sounds_like_a_plate(thing.findtext("name", ""), choice):
            continue
        try:
            left, top, right, bottom = (
                float(thing.findtext(f"bndbox/{side}", "")) for side in ("xmin", "ymin", "xmax", "ymax")
            )
        except ValueError:
            expected = "bndbox with xmin, ymin, xmax and ymax"
            raise DataError(Problem(f"an object of {path} has no box", expected)) from None
        # Some tools write the text of a plate as an attribute, others as a field of the object.
        text = thing.findtext("text") or thing.findtext("attributes/text") or _attribute(thing)
        yield Plate(box=(left, top, right - left, bottom - top), text=normal_text(text))


def _attribute(thing: Tree.Element) -> str | None:
    """The text in the form that CVAT writes: attributes/attribute with name and value."""
    for each in thing.iter("attribute"):
        if each.findtext("name", "").lower() in ("text", "plate", "number", "ocr"):
            return each.findtext("value")
    return None
