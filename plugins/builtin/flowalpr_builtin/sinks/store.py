"""Keeps reads in a store."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from flowalpr import END_OF_TIME, Node, PlateRead, Secret

if TYPE_CHECKING:
    from flowalpr.storage import StoreAddress, Writer


class Store(Node):
    """Keep each read once, sealed, in a SQLite file or the database that `url` names; `flowalpr reads` shows them.

    Plate texts and pictures are encrypted: whoever gets the file without its key learns when a car passed which
    camera, but not which car. The key is made on the first run and said aloud; keep a copy of it. docs/store.md has
    more. Passages (`vote`) have one entry each, with why there is no plate if there is none; a later stage replaces an
    earlier.

    Reads are written several times a second, many at once. While the disk is full or the database locked, up to 10,000
    are kept in memory and tried again after 1, 2, 4 ... 30 seconds. Only their owner may read the files.
    """

    heavy: ClassVar[bool] = True

    path: Path = Path("plates.db")
    """The SQLite file; `~` is the home folder. Pictures lie beside it."""
    url: Secret | None = None
    """A database in place of the file: where `postgresql+psycopg://user:password@host/name` is found."""
    seal: bool = True
    """`off` leaves everything readable for whoever gets hold of the database, a copy or a back-up of it."""
    key: Secret | None = None
    """Where the key is found, 32 bytes in base64; without it one is made in a file that this user alone may read."""
    crops: bool = True
    """Whether a picture of each plate is kept."""
    frames: bool = False
    """Whether the whole frame is kept as well."""
    pictures: Path | None = None
    """The folder of pictures, in place of the one beside the file."""

    _writer: Writer | None = None

    @property
    def address(self) -> StoreAddress:
        """Where it keeps its reads."""
        from flowalpr.storage import StoreAddress

        folder = self.pictures.expanduser() if self.pictures else self.home / "pictures" if self.url else None
        return StoreAddress(self.path.expanduser(), self.url, self.key, self.seal, folder)

    def open(self) -> None:
        from flowalpr.storage import ReadStore, Writer

        kinds = {"crop": self.crops, "frame": self.frames}
        self._writer = Writer(ReadStore(self.address), tuple(kind for kind, kept in kinds.items() if kept))

    def process(self, read: PlateRead) -> None:
        if self._writer is not None:
            self._writer.add(read)

    def due(self, now: datetime) -> None:
        if self._writer is not None:
            self._writer.save(at_once=now == END_OF_TIME)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
