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
        if query.is_wild:
            for _, same_day in groupby(keys, key=lambda key: key.day):
                yield self._wanted(query, after, _by_signature(query, list(same_day)), "reads_by_signature")
            return
        for start in range(0, len(keys), KEYS_AT_ONCE):
            by_token, index = _by_token(query, keys[start : start + KEYS_AT_ONCE])
            yield self._wanted(query, after, by_token, index)

    def _by_time(self, query: Query, after: Place | None, step: int) -> Iterator[list[int]]:
        while True:
            wanted = _ordered(query, after).limit(step)
            with self._database.reading() as connection:
                rows = connection.execute(wanted).all()
            yield [row.number for row in rows]
            if len(rows) < step:
                return
            after = (rows[-1].time, rows[-1].number)

    def _wanted(self, query: Query, after: Place | None, condition: sql.ColumnElement[bool], index: str) -> list[int]:
        # Without the hint SQLite may prefer to walk through all reads of a camera in the order of time.
        wanted = _ordered(query, after).where(condition).with_hint(READS, f"INDEXED BY {index}", "sqlite")
        with self._database.reading() as connection:
            return [row.number for row in connection.execute(wanted)]

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


def _by_token(query: Query, keys: Sequence[DayKey]) -> tuple[sql.ColumnElement[bool], str]:
    text = query.pattern
    if query.alike:
        pairs = [(key.number, key.tokens.alike(text)) for key in keys]
        return sql.tuple_(READS.c.key, READS.c.alike).in_(pairs), "reads_by_alike"
    pairs = [(key.number, key.tokens.exact(text)) for key in keys]
    return sql.tuple_(READS.c.key, READS.c.exact).in_(pairs), "reads_by_exact"


def _by_signature(query: Query, keys: Sequence[DayKey]) -> sql.ColumnElement[bool]:
    """What the signatures of fitting texts of a day have in common."""
    each_key = []
    for key in keys:
        mask = key.tokens.mask(query.pattern)
        each_key.append(sql.and_(READS.c.key == key.number, READS.c.signature.bitwise_and(mask) == mask))
    return sql.or_(*each_key)


def _lost(number: int, error: DamagedError) -> StoredRead:
    return StoredRead(number, "", moment(0), "", "", 0.0, {}, damage=f"row {number}: {error.problem.what}")
