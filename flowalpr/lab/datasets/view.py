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
    from PIL.ImageDraw import ImageDraw

MARGIN = 0.25
"""Part of a plate's width and height that is shown around it on each side."""
LINE = 2
"""Pixels of the lines of boxes and corners, of a tile 440 wide."""
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
            none = "no plate" if sample.looked_at else "none labelled"
            title = plate.text or plate.reason or ("no text" if sample.plates else none)
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
    cut = _around(image, tile.plate, tile.margin)
    scale = min(width / (cut[2] - cut[0]), height / (cut[3] - cut[1]))
    size = (max(1, round((cut[2] - cut[0]) * scale)), max(1, round((cut[3] - cut[1]) * scale)))
    # Drawn after scaling, or the lines on a plate of few pixels would hide its text.
    part = image.crop(cut).resize(size, Image.Resampling.BICUBIC)
    _mark(ImageDraw.Draw(part), tile.plate, cut, scale)
    buffer = io.BytesIO()
    part.save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _around(image: Image, plate: Plate, margin: float) -> tuple[int, int, int, int]:
    """What of a picture is shown: left, top, right, bottom, which may lie outside of it."""
    if plate.bounds is None:
        return 0, 0, image.width, image.height
    left, top, right, bottom = _ordered(plate.bounds)
    across, along = (right - left) * margin + 2, (bottom - top) * margin + 2
    return int(left - across), int(top - along), int(right + across), int(bottom + along)


def _mark(draw: ImageDraw, plate: Plate, cut: tuple[int, int, int, int], scale: float) -> None:
    """Draw box and corners of a plate on what was cut out and scaled."""

    def placed(x: float, y: float) -> tuple[float, float]:
        return (x - cut[0]) * scale, (y - cut[1]) * scale

    if plate.bounds:
        left, top, right, bottom = _ordered(plate.bounds)
        draw.rectangle((*placed(left, top), *placed(right, bottom)), outline="lime", width=LINE)
    if plate.corners:
        draw.polygon([placed(*point) for point in plate.corners], outline="orange", width=LINE)
        x, y = placed(*plate.corners[0])
        draw.ellipse((x - 2 * LINE, y - 2 * LINE, x + 2 * LINE, y + 2 * LINE), fill="red")


def _ordered(bounds: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """The same box with its sides in order, since broken labels are what a sheet is for."""
    left, top, right, bottom = bounds
    return min(left, right), min(top, bottom), max(left, right), max(top, bottom)


def _notes(sample: Sample, plate: Plate) -> str:
    size = f"{plate.box[2]:.0f} x {plate.box[3]:.0f} px" if plate.box else None
    rows = f"{plate.rows} rows" if (plate.rows or 1) > 1 else None
    return ", ".join(each for each in (plate.country, size, rows, *sample.conditions) if each)
