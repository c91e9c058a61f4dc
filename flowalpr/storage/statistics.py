"""Figures of the reads in a store, from what stands in the open: nothing is opened for them."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sql

from flowalpr.storage.moments import moment
from flowalpr.storage.query import Query
from flowalpr.storage.schema import READS
from flowalpr.storage.store import ReadStore

_HOUR = 3_600_000_000
"""Microseconds."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """What passed, when, where, and how well it was read."""

    hours: dict[datetime, int]
    """Passages by the hour (UTC) in which they were read, hours without any left out."""
    occupancy: dict[datetime, int]
    """Cars inside at the end of each such hour, counted from 0: those that went `in` less those that went `out`."""
    reasons: dict[str, Counter[str]]
    """By camera: how many were `read`, and how many not, by reason."""
    confidence: dict[float, int]
    """By tenth, from its lower end: 0.9 is 0.9 to 1; of those with a text."""
    total: int = field(default=0)

    def record(self) -> dict[str, Any]:  # Any: the values that JSON has
        """All of it for JSON."""
        return {
            "total": self.total,
            "hours": {time.isoformat(): count for time, count in self.hours.items()},
            "occupancy": {time.isoformat(): count for time, count in self.occupancy.items()},
            "cameras": {camera: dict(counts) for camera, counts in self.reasons.items()},
            "confidence": {f"{tenth:.1f}": count for tenth, count in self.confidence.items()},
        }


def statistics(store: ReadStore, query: Query) -> Statistics:
    """The figures of the reads that a query without a text finds.

    Raises:
        SetupError: the database cannot be read.
    """
    # Not by `/`, which gives a fraction in SQLAlchemy, nor by CAST, which rounds in PostgreSQL and cuts in SQLite.
    hour = (READS.c.time - READS.c.time % _HOUR).label("hour")
    is_read = READS.c.exact.is_not(None).label("is_read")
    wanted = query.conditions()
    many = sql.func.count().label("many")
    by_hour = sql.select(hour, READS.c.direction, many).group_by(hour, READS.c.direction).order_by(hour)
    by_reason = sql.select(READS.c.camera, READS.c.reason, is_read, many)
    by_reason = by_reason.group_by(READS.c.camera, READS.c.reason, is_read).order_by(READS.c.camera)
    tenths = [sql.func.sum(sql.case((_is_tenth(tenth), 1), else_=0)) for tenth in range(10)]
    with store.database.reading() as connection:
        hours = connection.execute(by_hour.where(*wanted)).all()
        reasons = connection.execute(by_reason.where(*wanted)).all()
        confidence = connection.execute(sql.select(*tenths).where(*wanted, READS.c.exact.is_not(None))).one()
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in reasons:
        counts[row.camera][row.reason or ("read" if row.is_read else "no text")] += row.many
    passed: Counter[datetime] = Counter()
    inside: dict[datetime, int] = {}
    cars = 0
    for row in hours:
        cars += row.many * {"in": 1, "out": -1}.get(row.direction or "", 0)
        passed[moment(row.hour)] += row.many
        inside[moment(row.hour)] = cars
    by_tenth = {tenth / 10: int(many or 0) for tenth, many in enumerate(confidence)}
    return Statistics(dict(passed), inside, dict(counts), by_tenth, sum(passed.values()))


def _is_tenth(tenth: int) -> sql.ColumnElement[bool]:
    above = READS.c.confidence >= tenth / 10
    return above if tenth == 9 else sql.and_(above, READS.c.confidence < (tenth + 1) / 10)
