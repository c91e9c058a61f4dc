"""Picture files as a source of frames."""

from __future__ import annotations

import glob
import io
import os
import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from pathlib import Path

from pydantic import PrivateAttr

from flowalpr import Fault, Frame, Node, SetupError, Stamp

EXTENSIONS = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
# Numbers of tags in the EXIF standard (CIPA DC-008-2023, 4.6.5 and 4.6.6).
EXIF, ORIGINAL_TIME, ORIGINAL_ZONE = 0x8769, 0x9003, 0x9011


class Images(Node):
    """Give each picture of a file, a folder or a pattern as a frame, in the order a person would count them.

    A frame's time is that of the picture's capture (EXIF), or of the file's last change. A picture that cannot be
    read becomes an error of its own, and the next one follows.
    """

    path: str | list[str]
    """A picture, a folder (with all folders in it), a pattern such as `photos/2026-*/*.jpg`, or a list of these."""
    _files: list[Path] = PrivateAttr(default_factory=list)

    def open(self) -> None:
        paths = [self.path] if isinstance(self.path, str) else self.path
        self._files = [file for path in paths for file in _found(path)]

    def __len__(self) -> int:
        """How many pictures it gives, once it is open."""
        return len(self._files)

    def process(self) -> Iterator[Frame | Fault]:
        from flowalpr.vision.image import PictureError, decode

        for number, file in enumerate(self._files):
            if self.wait(0):
                return
            try:
                content = file.read_bytes()
                image = decode(content, file.name)
                time = _capture_time(content) or datetime.fromtimestamp(file.stat().st_mtime, timezone.utc)
            except PictureError as error:
                yield Fault(error=error.in_one_line(), source=file.name)
            except OSError as error:
                yield Fault(error=f"{file.name} cannot be read: {error.strerror or error}", source=file.name)
            else:
                yield Frame(image, Stamp(self.name, time, number), source=file.name)


def _found(path: str) -> list[Path]:
    """The picture files that a setting names, in natural order.

    Raises:
        SetupError: there are none.
    """
    place = Path(path).expanduser()
    if place.is_dir():
        files = _pictures(_walk(place))
        kind = f"the folder {place} holds no picture"
    elif place.is_file() or (place.suffix.lower() in EXTENSIONS and not glob.has_magic(path)):
        return [place]  # Even if it is missing: that is the error of one picture, not of all.
    elif glob.has_magic(path):
        files = _pictures(map(Path, glob.iglob(str(place), recursive=True)))  # noqa: PTH207 - the pattern may be absolute
        kind = f"no picture matches the pattern {place}"
    else:
        raise SetupError(f"{place} does not exist", "check the path; relative paths start where flowalpr runs")
    if not files:
        raise SetupError(f"{kind}: none of its files ends in {', '.join(sorted(EXTENSIONS))}", "check the path")
    return files


def _walk(folder: Path) -> Iterator[Path]:
    """All files in a folder and the folders in it, but those that are hidden (thumbnails, caches)."""

    def refuse(error: OSError) -> None:
        raise SetupError(f"the folder {error.filename} cannot be read: {error.strerror}", "check its permissions")

    for root, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(root, name) for name in files if not name.startswith("."))


def _pictures(files: Iterable[Path]) -> list[Path]:
    return sorted((file for file in files if file.suffix.lower() in EXTENSIONS and file.is_file()), key=_natural)


def _natural(path: Path) -> list[list[tuple[int, str]]]:
    """A key that sorts 2.jpg before 10.jpg, folder by folder."""
    parts = [re.split(r"(\d+)", part.casefold()) for part in path.parts]
    return [[(int(text), "") if text.isdecimal() else (-1, text) for text in part] for part in parts]


def _capture_time(content: bytes) -> datetime | None:
    """When a picture was taken (UTC), if it says so; a time without a zone is one of this machine's zone."""
    from PIL import Image

    with Image.open(io.BytesIO(content)) as picture:
        details = picture.getexif().get_ifd(EXIF)
    try:
        taken = datetime.strptime(str(details.get(ORIGINAL_TIME)), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007
        zone = datetime.strptime(str(details.get(ORIGINAL_ZONE)), "%z").tzinfo if ORIGINAL_ZONE in details else None
        return taken.replace(tzinfo=zone).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None
