"""Where engines of TensorRT are kept, and for which sizes of pictures they are built."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import NamedTuple

Shape = tuple[int, ...]

FREE = -1
"""A side that the network leaves open."""
BATCHES = (1, 4, 16)
"""Least, usual and most plates at once for a reader: larger batches are cut into parts."""
HEIGHTS = (32, 416, 1920)
WIDTHS = (32, 736, 1920)
"""Pixels of a detector's canvas: least, that of a camera at the `detect` node's own settings, most."""


class Shapes(NamedTuple):
    """The inputs that an engine is built for."""

    least: Shape
    usual: Shape
    """What it is tuned for."""
    most: Shape


def shapes_of(wanted: Shape) -> Shapes:
    """Least, usual and most input of a network whose input is (n, channels, height, width); `FREE` sides are open.

    Networks that take pictures of any size take them one by one, or an engine would need gigabytes for the largest
    batch of the largest pictures.
    """
    batch, channels, height, width = wanted
    batches = (1, 1, 1) if FREE in (height, width) else BATCHES
    sides = (
        (
            batches[k] if batch == FREE else batch,
            channels,
            HEIGHTS[k] if height == FREE else height,
            WIDTHS[k] if width == FREE else width,
        )
        for k in range(3)
    )
    return Shapes(*sides)


def engine_file(weights: Path, version: str, gpu: str) -> Path:
    """The file of an engine: it is of use for these weights, this version of TensorRT and this kind of GPU alone."""
    import platformdirs  # Here, since most commands never ask.

    digest = hashlib.sha256(weights.read_bytes()).hexdigest()[:16]
    kind = re.sub(r"[^A-Za-z0-9.]+", "-", f"{version}-{gpu}")
    return platformdirs.user_cache_path("flowalpr") / "engines" / f"{weights.parent.name}-{digest}-{kind}.engine"


def keep(engine: bytes, file: Path) -> None:
    """Write an engine so that a kill at any moment leaves no half of it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=file.parent, suffix=".part")
    with os.fdopen(handle, "wb") as out:
        out.write(engine)
    Path(part).replace(file)
