"""Times as the database holds them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def micros(time: datetime) -> int:
    """Microseconds since 1970."""
    since = time - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def moment(micros: int) -> datetime:
    """The time (UTC, aware) that so many microseconds since 1970 stand for."""
    return _EPOCH + timedelta(microseconds=micros)


def day_of(time: datetime) -> str:
    """The day of a time in UTC: 2026-11-27."""
    return time.astimezone(timezone.utc).date().isoformat()


def now() -> datetime:
    """What time it is (UTC, aware)."""
    return datetime.now(timezone.utc)
