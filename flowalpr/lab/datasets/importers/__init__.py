"""From a public data set or label format to the one format on disk; one module for each.

An importer is a function `read(source)` that gives one `Found` a picture. To add one, write a module beside the
others and name it in `IMPORTERS`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

from flowalpr.errors import Problem
from flowalpr.lab.datasets.sample import DataError, Dataset, Plate, Sample, save

IMPORTERS = {
    "voc": "Pascal VOC: one XML file a picture",
    "yolo": "YOLO: one text file a picture, with boxes, oriented boxes or four key points",
    "coco": "COCO: one JSON file for all pictures",
    "ccpd": "CCPD: box, corners and text are in the name of each picture",
    "openalpr": "OpenALPR benchmark: one text file a picture, with box and text",
    "csv": "a folder of pictures and a CSV table with columns file, text and, if known, x, y, w, h",
    "folder": "a folder of pictures without any labels, to be labelled with `flowalpr data label`",
    "labels": "labels.jsonl or crops.jsonl: copies a data set, or adds it to another",
}
PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")


@dataclass(frozen=True, slots=True)
class Found:
    """One labelled picture of a foreign data set."""

    picture: Path
    plates: tuple[Plate, ...] = ()
    conditions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user says about a foreign data set because its files do not."""

    classes: tuple[str, ...] = ()
    """Names of the classes that are plates; empty takes all whose name sounds like one."""
    country: str | None = None
    """Country of every plate whose label names none."""


Importer = Callable[[Path, Choice], Iterator[Found]]


def read(kind: str, source: Path, choice: Choice | None = None) -> Iterator[Found]:
    """The labelled pictures of a foreign data set, one by one.

    Raises:
        DataError: the source does not look like a data set of this kind, or a label of it is broken.
    """
    importer: Importer = import_module(f"{__name__}.{kind}").read
    choice = choice or Choice()
    if not source.exists():
        raise DataError(Problem(f"there is no {source}", expected=IMPORTERS[kind]))
    some = False
    for found in importer(source, choice):
        some = True
        yield replace(found, plates=tuple(_at_home(plate, choice) for plate in found.plates))
    if not some:
        raise DataError(Problem(f"no picture was found in {source}", expected=IMPORTERS[kind]))


def add(found: Iterator[Found], target: Path, *, link: bool = False) -> Iterator[Sample | Problem]:
    """Copy pictures and labels into a data set, which may be there already; gives each sample as it is done.

    Pictures that cannot be read are left out, each with a problem that says why. A picture whose name is taken
    gets a number. With `link`, pictures are linked instead of copied, which needs the same disk. The labels are
    written at the end.
    """
    from flowalpr.lab.datasets.sample import LABELS, load

    samples = list(load(target)) if (target / LABELS).exists() else []
    images = target / "images"
    images.mkdir(parents=True, exist_ok=True)
    for each in found:
        size = picture_size(each.picture)
        if size is None:
            yield Problem(f"{each.picture} is not a picture that can be read", fix="it was left out")
            continue
        place = _free(images / each.picture.name)
        (os.link if link else shutil.copyfile)(each.picture, place)
        sample = Sample(
            file=place.relative_to(target).as_posix(),
            width=size[0],
            height=size[1],
            plates=each.plates,
            conditions=each.conditions,
        )
        samples.append(sample)
        yield sample
    save(Dataset(target, tuple(samples)))


def pictures(folder: Path) -> list[Path]:
    """All picture files below a folder, or the one file given itself, in the order of their names."""
    if folder.is_file():
        return [folder]
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURES and path.is_file())


def picture_size(path: Path) -> tuple[int, int] | None:
    """Width and height of a picture as it is shown, from its head alone; None if it is none."""
    import warnings

    from PIL import ExifTags, Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # Nothing is decoded here.
            with Image.open(path) as image:
                turned = image.getexif().get(ExifTags.Base.Orientation, 1) in (5, 6, 7, 8)
                width, height = image.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
    return (height, width) if turned else (width, height)


def normal_text(text: str | None) -> str | None:
    """A plate text as labels hold it: upper case, no blanks, dashes and dots; None if nothing is left."""
    return "".join(each for each in (text or "").upper() if each.isalnum()) or None


def sounds_like_a_plate(name: str, choice: Choice) -> bool:
    """Whether a class of a foreign data set is that of plates."""
    if choice.classes:
        return name in choice.classes
    plain = "".join(each for each in name.lower() if each.isalnum())
    return plain in ("lp", "alpr", "anpr", "platenumber", "number") or any(
        part in plain for part in ("plate", "licen", "matricula", "kennzeichen", "nummer")
    )


def no_plate_class(source: Path, names: set[str]) -> DataError:
    """The error for a data set none of whose classes sounds like a plate."""
    known = ", ".join(sorted(names)[:20])
    return DataError(
        Problem(
            f"no class of {source} sounds like a licence plate",
            expected=f"one of: {known}" if known else "a class in the labels",
            fix="name it: --class NAME",
        )
    )


def _at_home(plate: Plate, choice: Choice) -> Plate:
    return plate.model_copy(update={"country": choice.country}) if plate.country is None else plate


def _free(path: Path) -> Path:
    """The path, with a number before the suffix if a file of that name is there already."""
    free, number = path, 1
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}_{number}{path.suffix}")
    return free
