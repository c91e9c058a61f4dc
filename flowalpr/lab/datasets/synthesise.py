"""Data sets of plates that never were: crops for a reader, whole pictures for a detector, with exact labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from flowalpr.errors import Problem
from flowalpr.lab.datasets.sample import Corners, DataError, Dataset, Plate, Sample, decoded, save
from flowalpr.lab.datasets.synthetic.crop import synthetic_crop
from flowalpr.lab.datasets.synthetic.degrade import degrade
from flowalpr.lab.datasets.synthetic.glyphs import Typefaces
from flowalpr.lab.datasets.synthetic.layout import FOLDER, load_layouts
from flowalpr.lab.datasets.synthetic.plate import Drawer
from flowalpr.lab.datasets.synthetic.scene import Painter, Placed

MARGIN = 0.1
"""Share of a plate's size that a crop shows around it on each side."""
STOCK = 600
"""Different plates in the scenes of one run; drawing them is what takes time."""
QUALITY = 92


def drawer(
    countries: Sequence[str], layouts: Path | None, fonts: Sequence[Path], alphabet: str | None = None
) -> Drawer:
    """What draws the plates of these countries, or of all; by the layouts in the box unless others are given.

    Texts stay within `alphabet` if it is given.

    Raises:
        DataError: there is no layout for a country, or none can be drawn with the typefaces at hand.
    """
    known = load_layouts(layouts or FOLDER)
    chosen = [each for each in known if not countries or each.country in countries]
    there = sorted({each.country for each in known if each.country})
    if unknown := sorted(set(countries) - set(there)):
        fix = f"describe one in YAML as those in {FOLDER}, and give its folder as layouts"
        raise DataError(Problem(f"no layout is of {', '.join(unknown)}", f"one of: {', '.join(there)}", fix))
    try:
        return Drawer(chosen, Typefaces(tuple(fonts)), alphabet)
    except ValueError as error:
        fix = "install typefaces of its script (fonts-noto-cjk for Chinese and Korean), or give their folder as fonts"
        raise DataError(Problem(str(error), fix=fix)) from None


def crops(target: Path, count: int, draws: Drawer, seed: int) -> Iterator[Sample]:
    """Write pictures of single plates as a detector cuts them out; the labels are written at the end."""
    inner = MARGIN / (1 + 2 * MARGIN)
    samples = []
    for index in range(count):
        crop = synthetic_crop(draws, MARGIN, np.random.default_rng([seed, index]))
        height, width = crop.image.shape[:2]
        left, top = round(width * inner, 1), round(height * inner, 1)
        box = (left, top, round(width - 2 * left, 1), round(height - 2 * top, 1))
        plate = Plate(box=box, text=crop.text, country=crop.country, rows=crop.rows)
        file = _written(target, f"crops/{index:06}.jpg", crop.image)
        samples.append(Sample(file=file, width=width, height=height, plates=(plate,)))
        yield samples[-1]
    save(Dataset(target, tuple(samples)))


@dataclass(frozen=True, slots=True)
class Grounds:
    """What scenes are made of."""

    datasets: Sequence[Dataset]
    over: float = 0.5
    """Share of the labelled plates that are hidden under drawn ones, 0..1: nothing is where plates are as truly."""


def scenes(target: Path, count: int, draws: Drawer, seed: int, grounds: Grounds) -> Iterator[Sample]:
    """Write pictures with plates pasted into them by perspective, over real ones and beside; labels come at the end.

    What is labelled in the backgrounds and not hidden stays labelled; plates in them that are not labelled will teach
    a detector to look away.

    Raises:
        DataError: a background is missing or cannot be decoded.
    """
    painter = Painter(np.random.default_rng(seed), STOCK, draws)
    pictures = [(dataset, sample) for dataset in grounds.datasets for sample in dataset]
    samples = []
    for index in range(count):
        random = np.random.default_rng([seed, index])
        dataset, ground = pictures[int(random.integers(len(pictures)))]
        there = [plate for plate in ground.plates if plate.bounds]
        scene = painter.scene(decoded(dataset, ground), [_corners_of(each) for each in there], random, grounds.over)
        image = degrade(scene.image, random, most=0.3)  # Pictures have faults of their own already.
        file = _written(target, f"scenes/{index:06}.jpg", image)
        kept = [each for number, each in enumerate(there) if number not in scene.hidden]
        plates = (*kept, *map(_plate, scene.plates))
        samples.append(Sample(file=file, width=ground.width, height=ground.height, plates=plates))
        yield samples[-1]
    save(Dataset(target, tuple(samples)))


def _written(target: Path, file: str, image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> str:
    path = target / file
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY]):
        raise DataError(Problem(f"{path} cannot be written", fix="check the folder and the room on the disk"))
    return file


def _plate(placed: Placed) -> Plate:
    (left, top), (right, bottom) = placed.corners.min(axis=0), placed.corners.max(axis=0)
    box = (_short(left), _short(top), _short(right - left), _short(bottom - top))
    first, second, third, fourth = ((_short(x), _short(y)) for x, y in placed.corners)
    corners: Corners = (first, second, third, fourth)
    drawn = placed.plate
    return Plate(box=box, corners=corners, text=drawn.text, country=drawn.country, rows=drawn.rows)


def _corners_of(plate: Plate) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    if plate.corners:
        return np.array(plate.corners, np.float32)
    assert plate.bounds is not None  # noqa: S101  # The caller has looked.
    left, top, right, bottom = plate.bounds
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def _short(value: float) -> float:
    return round(float(value), 1)
