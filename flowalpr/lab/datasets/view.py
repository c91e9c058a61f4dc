"""A contact sheet: one HTML page with the plates of a data set and their labels, complete in itself.

HTML, because a browser has the type for every script on plates; a picture would need fonts of our own.
"""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from flowalpr.lab.datasets.sample import Dataset, Plate, Sample

if TYPE_CHECKING:
    from PIL.Image import Image

MARGIN = 0.25
"""Part of a plate's width and height that is shown around it on each side."""
HEAD = """<!doctype html><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 14px/1.4 system-ui, sans-serif; margin: 2em; color: #222 }}
main {{ display: flex; flex-wrap: wrap; gap: 12px }}
figure {{ margin: 0; width: 220px }}
img {{ width: 220px; height: 120px; object-fit: contain; background: #eee }}
figcaption {{ overflow-wrap: anywhere }} b {{ font: bold 16px ui-monospace, monospace }}
small {{ color: #777 }}</style><h1>{title}</h1><main>
"""


@dataclass(frozen=True, slots=True)
class Tile:
    """One plate as it is shown on a sheet."""

    picture: Path
    plate: Plate
    title: str
    notes: str = ""
    margin: float = MARGIN
    """Part of the plate's width and height that is shown on each side."""


def tiles(dataset: Dataset) -> Iterator[Tile]:
    """Every plate of a data set, and every picture without one."""
    for sample in dataset:
        for plate in sample.plates or (Plate(),):
            title = plate.text or plate.reason or ("no text" if sample.plates else "no plate")
            yield Tile(dataset.picture(sample), plate, title, _notes(sample, plate))


def write_sheet(target: Path, title: str, chosen: Iterable[Tile]) -> Iterator[Tile]:
    """Write tiles as one page; gives each as it is done."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", encoding="utf-8") as page:
        page.write(HEAD.format(title=escape(title)))
        for tile in chosen:
            page.write(
                f'<figure><img alt="" src="{thumbnail(tile)}"><figcaption><b>{escape(tile.title)}</b><br>'
                f"<small>{escape(tile.notes)}<br>{escape(tile.picture.name)}</small></figcaption></figure>\n"
            )
            yield tile
        page.write("</main>\n")


def thumbnail(tile: Tile, width: int = 440, height: int = 240) -> str:
    """The plate of a tile with its box and corners drawn, as a data URL; empty if the picture cannot be read."""
    from PIL import Image, ImageDraw, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # Up to twice the limit it is shown.
            with Image.open(tile.picture) as file:
                image = ImageOps.exif_transpose(file).convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError):
        return ""
    plate = tile.plate
    draw = ImageDraw.Draw(image)
    line = max(1, image.width // 400)
    if plate.bounds:
        draw.rectangle(_ordered(plate.bounds), outline="lime", width=line)
    if plate.corners:
        draw.polygon([tuple(point) for point in plate.corners], outline="orange", width=line)
        x, y = plate.corners[0]
        draw.ellipse((x - 2 * line, y - 2 * line, x + 2 * line, y + 2 * line), fill="red")
    return _data_url(_around(image, plate, tile.margin), width, height)


def _around(image: Image, plate: Plate, margin: float) -> Image:
    if plate.bounds is None:
        return image
    left, top, right, bottom = _ordered(plate.bounds)
    across, along = (right - left) * margin + 2, (bottom - top) * margin + 2
    cut = (int(left - across), int(top - along), int(right + across), int(bottom + along))
    return image.crop(cut)


def _data_url(image: Image, width: int, height: int) -> str:
    image.thumbnail((width, height))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _ordered(bounds: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """The same box with its sides in order, since broken labels are what a sheet is for."""
    left, top, right, bottom = bounds
    return min(left, right), min(top, bottom), max(left, right), max(top, bottom)


def _notes(sample: Sample, plate: Plate) -> str:
    size = f"{plate.box[2]:.0f} x {plate.box[3]:.0f} px" if plate.box else None
    rows = f"{plate.rows} rows" if (plate.rows or 1) > 1 else None
    return ", ".join(each for each in (plate.country, size, rows, *sample.conditions) if each)
