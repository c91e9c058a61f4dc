"""Finds reads: by what the database can tell first, then by what only the opened text tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import sqlalchemy as sql

from flowalpr.storage.database import DamagedError, Database
from flowalpr.storage.keyring import KeyRing
from flowalpr.storage.moments import moment
from flowalpr.storage.query import Query
from flowalpr.storage.rows import StoredRead, stored_read
from flowalpr.storage.schema import READS
from flowalpr.storage.seal import DayKey

STEP = 500
"""Rows that are fetched and opened at once."""
KEYS_AT_ONCE = 500
"""Days that are searched by one statement, with two values each; SQLite takes up to 32,766."""

Place = tuple[int, int]
"""Time and number of a read: its place in the order, the latest first."""


class Search:
    """Searches one store."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        self._database = database
        self._ring = ring

    def found(self, query: Query, after: Place | None = None, step: int = STEP) -> Iterator[StoredRead]:
        """The reads that fit, the latest first, those that come after a place; damaged ones say so.

        Raises:
            SetupError: the database cannot be read.
        """
        fits = query.matcher()
        for numbers in self._candidates(query, after, step):
            for start in range(0, len(numbers), STEP):
                for read in self._rows(numbers[start : start + STEP]):
                    if read.damage or fits(read.text):
                        yield read

    def _candidates(self, query: Query, after: Place | None, step: int) -> Iterator[list[int]]:
        """Numbers of reads that may fit, the latest first."""
        if not query.text:
            yield from self._by_time(query, after, step)
            return
        keys = self._ring.texts(query.since, query.until)
        days = [list(keys) for _, keys in groupby(keys, key=lambda key: key.day)]
        start, at_once = 0, 1 if query.is_wild else KEYS_AT_ONCE
        while start < len(days):  # What is asked for is often of the last days; more at once take less time a day.
            some = [key for day in days[start : start + at_once] for key in day]
            with self._database.reading() as connection:
                yield [row.number for row in connection.execute(_by_text(query, after, some))]
            start += at_once
            at_once = min(4 * at_once, KEYS_AT_ONCE)

    def _by_time(self, query: Query, after: Place | None, step: int) -> Iterator[list[int]]:
        while True:
            wanted = _ordered(query, after).limit(step)
            with self._database.reading() as connection:
                rows = connection.execute(wanted).all()
            yield [row.number for row in rows]
            if len(rows) < step:
                return
            after = (rows[-1].time, rows[-1].number)

    def _rows(self, numbers: Sequence[int]) -> list[StoredRead]:
        """The reads of these numbers in this order; around a damaged page of the file all others are read."""
        if not numbers:
            return []
        try:
            with self._database.reading() as connection:
                rows = connection.execute(sql.select(READS).where(READS.c.number.in_(numbers))).all()
        except DamagedError as error:
            if len(numbers) == 1:
                return [_lost(numbers[0], error)]
            half = len(numbers) // 2
            return self._rows(numbers[:half]) + self._rows(numbers[half:])
        read = {row.number: row for row in rows}
        return [stored_read(read[number], self._ring) for number in numbers if number in read]


def _ordered(query: Query, after: Place | None) -> sql.Select[tuple[int, int]]:
    wanted = sql.select(READS.c.number, READS.c.time).where(*query.conditions())
    if after is not None:
        time, number = after
        earlier = sql.and_(READS.c.time == time, READS.c.number < number)
        wanted = wanted.where(READS.c.time <= time, sql.or_(READS.c.time < time, earlier))
    return wanted.order_by(READS.c.time.desc(), READS.c.number.desc())


def _by_text(query: Query, after: Place | None, keys: Sequence[DayKey]) -> sql.Select[tuple[int, int]]:
    """Numbers of reads that may have the text: each day's tokens of it, looked up in an index of tokens."""
    text = query.pattern
    if query.is_wild:
        name, tokens = "signature", [(key.number, key.tokens.mask(text)) for key in keys]
    elif query.alike:
        name, tokens = "alike", [(key.number, key.tokens.alike(text)) for key in keys]
    else:
        name, tokens = "exact", [(key.number, key.tokens.exact(text)) for key in keys]
    # As text, since SQLAlchemy takes ten times as long as the search to put together what it knows by value.
    values = sql.text("VALUES " + ",".join(f"({key:d},{token:d})" for key, token in tokens))
    days = values.columns(sql.column("column1", sql.BigInteger), sql.column("column2", sql.BigInteger)).cte("days")
    kept = READS.c.signature.bitwise_and(days.c.column2) if query.is_wild else READS.c[name]
    wanted = _ordered(query, after).join_from(
        days, READS, sql.and_(READS.c.key == days.c.column1, kept == days.c.column2)
    )
    # Without the hint SQLite may prefer to walk through all reads of a camera in the order of time.
    return wanted.with_hint(READS, f"INDEXED BY reads_by_{name}", "sqlite")


def _lost(number: int, error: DamagedError) -> StoredRead:
    return StoredRead(number, "", moment(0), "", "", 0.0, {}, damage=f"row {number}: {error.problem.what}")
