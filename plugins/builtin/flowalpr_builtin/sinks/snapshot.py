"""Keeps pictures of the latest reads."""

from __future__ import annotations

import heapq
import os
import re
from datetime import timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field, PrivateAttr

from flowalpr import Exposure, Node, PlateRead, SetupError, Subject

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GREEN = (80, 220, 60)
"""Of the line around a plate; BGR."""
OURS = re.compile(r"(\d{8}T\d{6}\.\d{6}Z-[\w-]{1,40}-[\w-]{1,32})\.(plate|frame)\.jpg", re.ASCII)
"""Names that this node gives; nothing else in the folder is ever deleted."""


class Snapshot(Node):
    """Keep the plate and the whole frame of each read as pictures, those of the `keep` latest reads.

    Files are named by time, camera and the read's id, never by the plate: `TIME-CAMERA-ID.plate.jpg` and
    `.frame.jpg`, in which the plate is outlined. Only their owner may read them. Of a passage (`vote`) they
    are those of the decisive read.
    """

    heavy: ClassVar[bool] = True

    folder: Path
    """Where the pictures go; made if it is not there."""
    keep: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """Of how many reads; the oldest pictures are deleted."""

    _names: list[str] = PrivateAttr(default_factory=list)

    def exposes(self) -> tuple[Exposure, ...]:
        fix = "keep pictures in a `store`, which seals them: with: {crops: true, frames: true}"
        return (Exposure("kept", f"pictures in the folder {self.folder}", "they are not sealed", fix, "folder"),)

    def known_of(self, subject: Subject) -> list[dict[str, Any]]:  # Any: the values that JSON has, and pictures
        return [{"file": each.name, "pictures": {"picture": each.read_bytes()}} for each in self._of(subject)]

    def forget(self, subject: Subject) -> int:
        gone = self._of(subject)
        for each in gone:
            each.write_bytes(b"\0" * each.stat().st_size)
            each.unlink()
        return len(gone)

    def _of(self, subject: Subject) -> list[Path]:
        """The pictures of a person's reads, as far as a store knows their ids."""
        folder = self._place()
        files = sorted(folder.iterdir()) if folder.is_dir() else []
        ours = [(each, match[1]) for each in files if (match := OURS.fullmatch(each.name))]
        return [each for each, name in ours if name.rsplit("-", 1)[1] in subject.ids]

    def open(self) -> None:
        import cv2  # noqa: F401  # A missing OpenCV is told before the first read.

        folder = self._place()
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            there = [match[1] for file in folder.iterdir() if (match := OURS.fullmatch(file.name))]
        except OSError as error:
            raise SetupError(f"{folder} cannot be used: {error.strerror}", f"mkdir -p {folder}") from error
        self._names = sorted(set(there))
        self._tidy()

    def process(self, read: PlateRead) -> None:
        name = _name(read)
        self._write(f"{name}.plate.jpg", read.detection.crop(margin=0.25))
        self._write(f"{name}.frame.jpg", _outlined(read))
        if name not in self._names:
            heapq.heappush(self._names, name)  # Names begin with the time, so the smallest is the oldest.
        self._tidy()

    def _tidy(self) -> None:
        while len(self._names) > self.keep:
            oldest = heapq.heappop(self._names)
            for kind in ("plate", "frame"):
                (self._place() / f"{oldest}.{kind}.jpg").unlink(missing_ok=True)

    def _write(self, name: str, image: NDArray[np.uint8]) -> None:
        """Write uint8, (h, w, 3), BGR as a JPEG, so that nobody ever sees half of it."""
        import cv2

        done, content = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])
        if not done:
            raise ValueError(f"a picture of shape {image.shape} cannot be written as JPEG")
        unfinished = self._place() / f".{name}.part"
        try:
            with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(content.tobytes())
            unfinished.replace(self._place() / name)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            raise OSError(error.errno, error.strerror, str(self._place() / name)) from error

    def _place(self) -> Path:
        return self.folder.expanduser()


def _name(read: PlateRead) -> str:
    """Time, camera and id, of characters that are safe in a file name."""
    time = read.stamp.time.astimezone(timezone.utc).strftime("%Y%m%dT%H%M%S.%fZ")
    camera = re.sub(r"[^\w-]", "_", read.stamp.camera, flags=re.ASCII)[:40] or "_"
    return f"{time}-{camera}-{re.sub(r'[^A-Za-z0-9]', '_', read.id)[:32] or '_'}"


def _outlined(read: PlateRead) -> NDArray[np.uint8]:
    """A copy of the sharpest picture with a line around the plate: uint8, (height, width, 3), BGR."""
    import cv2
    import numpy as np

    seen = read.detection.sharpest()
    image: NDArray[np.uint8] = seen.frame.image.copy()
    box, corners = seen.box, seen.corners
    if corners is None:
        corners = np.array([[box.left, box.top], [box.right, box.top], [box.right, box.bottom], [box.left, box.bottom]])
    points = np.round(corners - np.array(seen.frame.offset)).astype(np.int32)
    cv2.polylines(image, [points.reshape(-1, 1, 2)], True, GREEN, max(1, image.shape[0] // 300), cv2.LINE_AA)
    return image
