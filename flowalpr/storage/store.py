"""The store of reads: what is appended is on the disk, what is searched is found, what is erased is gone."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from types import TracebackType
from typing import Any

import sqlalchemy as sql

from flowalpr.errors import FlowError, Problem, SetupError
from flowalpr.messages import PlateRead
from flowalpr.storage.address import StoreAddress
from flowalpr.storage.moments import micros, now
from flowalpr.storage.opening import opened
from flowalpr.storage.pictures import KINDS, Pictures, file_name
from flowalpr.storage.query import Query
from flowalpr.storage.rows import OPEN, Entry, StoredRead, body_of, bound, entry_of, stored_read, tokens
from flowalpr.storage.schema import ERASED, READS, UNWANTED
from flowalpr.storage.seal import AlteredError, DayKey
from flowalpr.storage.searching import STEP, Search
from flowalpr.storage.statements import add, upsert_reads

AT_ONCE = 250
"""Rows that one transaction deletes: short enough that an append need not wait long for it."""


class ReadStore:
    """Plate reads at rest, for one program; several programs may have the same store open. Usable from several threads.

    Where nothing else is said, methods raise SetupError if the database cannot be read or written.
    """

    def __init__(self, address: StoreAddress) -> None:
        """Opens the store, and makes it if it is not there.

        Raises:
            SetupError: it cannot be opened or written, is no store of ours, or its key is not here.
        """
        self.address = address
        self.database, self.ring = opened(address)
        self._dialect = self.database.engine.dialect.name
        self._search = Search(self.database, self.ring)
        self._pictures = Pictures(address.folder) if address.folder is not None else None
        self._lock = threading.Lock()
        self._tidy()

    def append(self, reads: Iterable[PlateRead], kinds: tuple[str, ...] = ()) -> None:
        """Store reads, with these kinds of pictures (`crop`, `frame`); when it returns they are on the disk.

        Each read is stored once, by its id; of a passage a later stage replaces an earlier.

        Raises:
            ValueError: a read has a value that no database holds; none of them is stored.
        """
        self.write([entry_of(read, kinds=kinds) for read in reads])

    def write(self, entries: Sequence[Entry]) -> None:
        """Store what was made ready (`entry_of`), in one transaction; when it returns it is on the disk."""
        if not entries:
            return
        with self._lock:
            while not self._written(entries):
                self.ring.forget()

    def search(self, query: Query, limit: int = 100, after: StoredRead | None = None) -> list[StoredRead]:
        """The latest reads that fit, at most so many; with the last of these, the next page."""
        place = None if after is None else (micros(after.time), after.number)
        return list(islice(self._search.found(query, place, min(limit, STEP)), limit))

    def iterate(self, query: Query) -> Iterator[StoredRead]:
        """All reads that fit, the latest first, without holding them all."""
        return self._search.found(query)

    def count(self, query: Query) -> int:
        """How many reads fit; counting by text opens all that may fit."""
        if query.text:
            return sum(1 for _ in self.iterate(query))
        with self.database.reading() as connection:
            return connection.scalar(sql.select(sql.func.count()).select_from(READS).where(*query.conditions())) or 0

    def show(self, id_: str) -> StoredRead | None:
        """The read of that id, if it is there."""
        return next((read for read in self.beginning(id_, 1) if read.id == id_), None)

    def beginning(self, id_: str, limit: int = 2) -> list[StoredRead]:
        """Reads whose ids begin so, the shortest first."""
        wanted = sql.select(READS).where(READS.c.id >= id_, READS.c.id < id_ + "\U0010ffff").order_by(READS.c.id)
        with self.database.reading() as connection:
            rows = connection.execute(wanted.limit(limit)).all()
        return [stored_read(row, self.ring) for row in rows]

    def picture(self, id_: str, kind: str = "crop") -> bytes:
        """The JPEG of a read.

        Raises:
            AlteredError: there is none, it was altered, or its key is destroyed.
        """
        if self._pictures is None:
            raise AlteredError("this store has no folder for pictures")
        return self._pictures.read(id_, kind, self.ring.get)

    def picture_files(self, older: float) -> set[str]:
        """The files of pictures that have been there for so many seconds, as paths in their folder."""
        if self._pictures is None:
            return set()
        until = time.time() - older
        return {each for each in self._pictures.files() if (self._pictures.folder / each).stat().st_mtime < until}

    def correct(self, id_: str, text: str) -> StoredRead | None:
        """Write a read's text anew, as a person saw it; later accounts of the passage leave it. None: no such read.

        Raises:
            AlteredError: the read is damaged.
        """
        with self._lock, self.database.writing() as connection:
            row = connection.execute(sql.select(READS).where(READS.c.id == id_)).one_or_none()
            if row is None:
                return None
            read = stored_read(row, self.ring)
            if read.damage:
                raise AlteredError(read.damage)
            key, at = self.ring.get(row.key), now()
            sealed_values = {name: value for name, value in read.values.items() if name not in OPEN}
            body = body_of({**sealed_values, "text": text})
            sealed = key.seal.closed(body, bound(row.id, row.time, row.camera))
            changed = {"sealed": sealed, "corrected": micros(at), **tokens(text, key)}
            connection.execute(READS.update().where(READS.c.number == row.number).values(changed))
        return dataclasses.replace(read, text=text, corrected=at)

    def erase(self, ids: Iterable[str]) -> int:
        """Erase reads with their pictures, for good: no later account of the same passage brings one back. How many."""
        each, erased = iter(ids), 0
        while some := list(islice(each, AT_ONCE)):
            erased += self._deleted(READS.c.id.in_(some), tombs=some)
        self.database.forget_old_pages()
        return erased

    def purge(self, query: Query, most: int | None = None, spared: Sequence[Query] = ()) -> int:
        """Delete what a query without a text finds, and its pictures, in short transactions; how many.

        With `most`, no more than about so many: what is due can be deleted bit by bit between appends. What one of the
        queries `spared` finds as well, stays.
        """
        _without_text(query)
        purged = 0
        while most is None or purged < most:
            started = time.monotonic()
            wanted = sql.select(READS.c.number).where(*_but(query, spared)).order_by(READS.c.time).limit(AT_ONCE)
            with self.database.reading() as connection:
                numbers = connection.scalars(wanted).all()
            if not numbers:
                break
            purged += self._deleted(READS.c.number.in_(numbers))
            time.sleep(min(time.monotonic() - started, 0.05))  # As long again for others: a lock knows no queue.
        return purged

    def drop_pictures(self, query: Query, kind: str, most: int | None = None, spared: Sequence[Query] = ()) -> int:
        """Delete the pictures of one kind of what a query without a text finds; how many. The reads stay."""
        _without_text(query)
        dropped = 0
        while most is None or dropped < most:
            there = sql.select(READS.c.number, READS.c.id).where(*_but(query, spared), READS.c[kind].is_not(None))
            with self._lock, self.database.writing() as connection:
                rows = connection.execute(there.order_by(READS.c.time).limit(AT_ONCE)).all()
                numbers = [row.number for row in rows]
                connection.execute(READS.update().where(READS.c.number.in_(numbers)).values({kind: None}))
                self._unwant(connection, [file_name(row.id, kind) for row in rows])
            self._delete_unwanted()
            if not rows:
                break
            dropped += len(rows)
        return dropped

    def destroy_keys(self, before: datetime) -> int:
        """Destroy the keys of days before that time which have no reads left, so that back-ups lose them; how many."""
        destroyed = self.ring.destroy(before)
        if destroyed:
            self.database.forget_old_pages()
        return destroyed

    def close(self) -> None:
        """Let go of the store."""
        if self._pictures is not None:
            self._pictures.close()
        self.database.close()

    def __enter__(self) -> ReadStore:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _written(self, entries: Sequence[Entry]) -> bool:
        """Writes entries; False if a key was destroyed meanwhile, and nothing was written."""
        rows: list[dict[str, Any]] = []  # Any: the values that the columns have
        files: list[tuple[str, str, bytes, DayKey]] = []
        used: set[int] = set()
        for each in entries:
            key = self.ring.current((each.day, "text", each.shelf))
            of_pictures = {kind: self.ring.current((each.day, kind, each.shelf)) for kind in each.pictures}
            rows.append(each.row(key, of_pictures))
            files += [(each.id, kind, each.pictures[kind], of_pictures[kind]) for kind in each.pictures]
            used |= {key.number, *(key.number for key in of_pictures.values())}
        if files:
            self._folder().write(files)
        with self.database.writing() as connection:
            if not self.ring.are_there(connection, used):
                return False
            erased = set(connection.scalars(sql.select(ERASED.c.id).where(ERASED.c.id.in_([e.id for e in entries]))))
            kept = [row for row in rows if row["id"] not in erased]
            if kept:
                connection.execute(upsert_reads(self._dialect), kept)
        if files:
            self._folder().delete(file_name(id_, kind) for id_, kind, _, _ in files if id_ in erased)
            self._folder().written()
        return True

    def _deleted(self, condition: sql.ColumnElement[bool], tombs: Sequence[str] = ()) -> int:
        with self._lock, self.database.writing() as connection:
            there = sql.select(READS.c.number, READS.c.id, *(READS.c[kind] for kind in KINDS)).where(condition)
            rows = connection.execute(there).all()
            connection.execute(READS.delete().where(READS.c.number.in_([row.number for row in rows])))
            files = [file_name(row.id, kind) for row in rows for kind in KINDS if getattr(row, kind) is not None]
            self._unwant(connection, files)
            if tombs:
                connection.execute(add(ERASED, self._dialect), [{"id": each, "time": micros(now())} for each in tombs])
        if files:
            self._delete_unwanted()
        return len(rows)

    def _unwant(self, connection: sql.Connection, files: Sequence[str]) -> None:
        if files:
            connection.execute(add(UNWANTED, self._dialect), [{"file": each} for each in files])

    def _delete_unwanted(self) -> None:
        """Deletes the pictures whose reads are gone. A store without a folder leaves them to one that has it."""
        if self._pictures is None:
            return
        with self.database.reading() as connection:
            files = connection.scalars(sql.select(UNWANTED.c.file)).all()
        if files:
            self._pictures.delete(files)
            with self._lock, self.database.writing() as connection:
                for start in range(0, len(files), STEP):
                    connection.execute(UNWANTED.delete().where(UNWANTED.c.file.in_(files[start : start + STEP])))

    def _tidy(self) -> None:
        """Ends what killed programs left half done: pictures without a read."""
        if self._pictures is not None and self._pictures.folder.exists():
            self._pictures.sweep(self._has_picture)
            self._delete_unwanted()

    def _has_picture(self, id_: str, kind: str) -> bool:
        with self.database.reading() as connection:
            wanted = sql.select(READS.c.number).where(READS.c.id == id_, READS.c[kind].is_not(None))
            return connection.scalar(wanted) is not None

    def _folder(self) -> Pictures:
        if self._pictures is None:
            raise SetupError("this store has no folder for pictures", "name one: pictures: PATH")
        return self._pictures


def _but(query: Query, spared: Sequence[Query]) -> list[sql.ColumnElement[bool]]:
    """The conditions of a query, without what others find as well."""
    return [*query.conditions(), *(sql.not_(sql.and_(sql.true(), *each.conditions())) for each in spared)]


def _without_text(query: Query) -> None:
    """Deleting goes by what the database itself can tell.

    Raises:
        FlowError: the query asks for a text.
    """
    if query.text:
        raise FlowError([Problem("deleting by text", expected="ids of reads that were looked at: search first")])
