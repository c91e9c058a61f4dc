"""Keeps reads in a database."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from flowalpr import END_OF_TIME, Node, PlateRead, Secret

if TYPE_CHECKING:
    from flowalpr_builtin.sinks.read_table import ReadTable


class Store(Node):
    """Keep each read once in the table `reads` of a SQLite file, or of the database that `url` names.

    Passages (`vote`) have a row each, with why there is no plate if there is none; a later stage replaces an earlier.

    Reads are written several times a second, many at once. While the disk is full or the database locked, up to 10,000
    are kept in memory and tried again after 1, 2, 4 ... 30 seconds. A new file may be read by its owner only.
    """

    heavy: ClassVar[bool] = True

    path: Path = Path("plates.db")
    """The SQLite file; `~` is the home folder."""
    url: Secret | None = None
    """A database in place of the file, as `env:NAME` or `file:PATH` of `postgresql+psycopg://user:password@host/name`."""

    _table: ReadTable | None = None

    def open(self) -> None:
        from flowalpr_builtin.sinks.read_table import ReadTable

        self._table = ReadTable(self.url.reveal() if self.url else self.path.expanduser())

    def process(self, read: PlateRead) -> None:
        if self._table is not None:
            self._table.add(read.record())

    def due(self, now: datetime) -> None:
        if self._table is not None:
            self._table.save(at_once=now == END_OF_TIME)

    def close(self) -> None:
        if self._table is not None:
            self._table.close()
