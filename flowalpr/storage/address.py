"""Where a store of reads lies, and how it is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flowalpr.settings import Secret


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """A SQLite file, or the database that a URL names, with its master key and its pictures."""

    path: Path = Path("plates.db")
    url: Secret | None = None
    """A database in place of the file: `postgresql+psycopg://user:password@host/name`."""
    key: Secret | None = None
    """Where the master key is; None for a key file of this user."""
    seal: bool | None = None
    """Whether a new store is sealed; one that is there must agree. None: as it is, and sealed if it is new."""
    pictures: Path | None = None
    """The folder of pictures; None for the one beside the file. A database behind a URL has none unless it is named."""

    @property
    def folder(self) -> Path | None:
        """Where pictures lie, if anywhere."""
        if self.pictures is not None or self.url is not None:
            return self.pictures
        return self.path.with_name(self.path.name + ".pictures")

    def __str__(self) -> str:
        return "that the URL names" if self.url is not None else str(self.path)
