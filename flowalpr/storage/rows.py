"""From a read to a row of the table and back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sql

from flowalpr.messages import PlateRead, masked
from flowalpr.storage.keyring import KeyRing
from flowalpr.storage.moments import day_of, micros, moment
from flowalpr.storage.pictures import KINDS, jpeg
from flowalpr.storage.seal import AlteredError, DayKey
from flowalpr.storage.tokens import indexed

OPEN = ("country", "reason", "stage", "direction")
"""What of a record stands in a column of its own as it is, beside id, time, camera and confidence."""
_ELSEWHERE = {*OPEN, "id", "time", "camera", "confidence"}
_PADDED = 64
"""A sealed body has a multiple of this length, so that it does not tell how long a text is."""


@dataclass(frozen=True, slots=True, repr=False)
class Entry:
    """A read that is ready to be written."""

    id: str
    text: str
    day: str
    shelf: str
    columns: dict[str, Any]  # Any: the values that the columns have
    body: bytes
    """JSON of all that is sealed."""
    pictures: dict[str, bytes] = field(default_factory=dict)
    """JPEG by kind."""

    def row(self, key: DayKey, picture_keys: Mapping[str, DayKey]) -> dict[str, Any]:  # Any: as above
        """The row, sealed with the key of its day."""
        kept = {kind: picture_keys[kind].number if kind in self.pictures else None for kind in KINDS}
        sealed = key.seal.closed(self.body, bound(self.id, self.columns["time"], self.columns["camera"]))
        return {**self.columns, **kept, "key": key.number, "sealed": sealed, **tokens(self.text, key)}


@dataclass(frozen=True, slots=True, repr=False)
class StoredRead:
    """A read as it was stored. Its `repr` is masked."""

    number: int
    """In the order of storing."""
    id: str
    time: datetime
    """UTC, aware."""
    camera: str
    text: str
    """Empty if none was read, or if the read is damaged."""
    confidence: float
    values: dict[str, Any]  # Any: the values that JSON has
    """All else of the read's record: `country`, `raw`, `box`, of passages `reason`, `first` ..."""
    pictures: tuple[str, ...] = ()
    """Kinds of its pictures: `crop`, `frame`."""
    corrected: datetime | None = None
    """When a person wrote its text anew (UTC, aware)."""
    damage: str = ""
    """Why all that is sealed of it is missing here, if it is."""

    def record(self) -> dict[str, Any]:  # Any: the values that JSON has
        """All of it as plain values for JSON, in the order of a read's record."""
        kept = dict(self.values)
        first = {"type": kept.pop("type", "PlateRead"), "id": self.id, "time": self.time.isoformat()}
        first |= {"camera": self.camera, "text": self.text, "confidence": round(self.confidence, 4)}
        corrected = self.corrected.isoformat() if self.corrected else None
        last = {"pictures": list(self.pictures), "corrected": corrected}
        return {**first, **kept, **last, **({"damage": self.damage} if self.damage else {})}

    def __repr__(self) -> str:
        return f"StoredRead({masked(self.text)!r}, id={self.id!r}, camera={self.camera!r})"


def entry_of(read: PlateRead, shelf: str = "", kinds: tuple[str, ...] = ()) -> Entry:
    """A read made ready to be written, with pictures of these kinds.

    Raises:
        ValueError: it has a value that no database holds; the message does not repeat it.
    """
    record = read.record()
    listed = [each.list for each in read.listed]
    columns: dict[str, Any] = {  # Any: the values that the columns have
        **{name: _text(record, name) if record.get(name) is not None else None for name in OPEN},
        "id": _text(record, "id"),
        "time": micros(read.stamp.time),
        "camera": _text(record, "camera"),
        "confidence": _number(record, "confidence"),
        "listed": json.dumps(listed, ensure_ascii=False) if listed else None,
        "corrected": None,
    }
    kept = {name: value for name, value in record.items() if name not in _ELSEWHERE and value not in (None, [], "")}
    if kept.get("raw") == kept.get("text"):
        kept.pop("raw", None)
    pictures = {kind: jpeg(read, kind) for kind in kinds}
    text = _clean(read.text)
    return Entry(columns["id"], text, day_of(read.stamp.time), shelf, columns, body_of(kept), pictures)


def body_of(values: Mapping[str, Any]) -> bytes:  # Any: the values that JSON has
    """What is sealed of a read, as JSON with blanks behind it.

    Raises:
        ValueError: a value that JSON does not have.
    """
    try:
        text = json.dumps(values, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain)
    except ValueError:
        raise ValueError("a read holds a number that is none") from None
    if "\\u0000" in text or not _is_storable(text):
        text = json.dumps(_cleaned(values), ensure_ascii=False, separators=(",", ":"), default=_plain)
    body = text.encode()
    return body + b" " * (-len(body) % _PADDED)


def tokens(text: str, key: DayKey) -> dict[str, int | None]:
    """The columns by which a text is found."""
    seen = indexed(text)
    if not seen:
        return {"exact": None, "alike": None, "signature": 0}
    made = key.tokens
    return {"exact": made.exact(seen), "alike": made.alike(seen), "signature": made.signature(seen)}


def bound(id_: str, time: int, camera: str) -> bytes:
    """What a sealed body belongs to: it opens in no other row, and not if its time or camera was altered."""
    return f"sealed\0{id_}\0{time}\0{camera}".encode()


def stored_read(row: sql.Row[Any], ring: KeyRing) -> StoredRead:  # Any: a row of READS
    """A row as a read; one that cannot be opened says why."""
    damage, values = "", {}
    try:
        values = json.loads(ring.get(row.key).seal.opened(row.sealed, bound(row.id, row.time, row.camera)))
    except (AlteredError, ValueError) as error:
        damage = str(error) if isinstance(error, AlteredError) else "it was altered"
    text = values.pop("text", "")
    opened = {name: getattr(row, name) for name in OPEN if getattr(row, name) is not None}
    return StoredRead(
        number=row.number,
        id=row.id,
        time=moment(row.time),
        camera=row.camera,
        text=text,
        confidence=row.confidence,
        values={**({"raw": text} if not damage else {}), **values, **opened},
        pictures=tuple(kind for kind in KINDS if getattr(row, kind) is not None),
        corrected=moment(row.corrected) if row.corrected is not None else None,
        damage=damage,
    )


def _text(record: Mapping[str, Any], name: str) -> str:  # Any: the values that JSON has
    value = record.get(name)
    if not isinstance(value, str):
        raise ValueError(f"a read's {name} is {type(value).__name__}")
    return _clean(value)


def _number(record: Mapping[str, Any], name: str) -> float:  # Any: the values that JSON has
    try:
        value = float(record[name])
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"a read's {name} is {type(record.get(name)).__name__}") from None
    if not math.isfinite(value):
        raise ValueError(f"a read's {name} is no number that a database holds")
    return value


def _clean(value: str) -> str:
    """A text without what no database holds: UTF-8 has no surrogates, and PostgreSQL no zero byte."""
    if value.isascii() and "\0" not in value:
        return value
    return value.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def _cleaned(value: Any) -> Any:  # Any: the values that JSON has
    """The same with all its texts clean, so that whoever gets them can write them anywhere."""
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, Mapping):
        return {name: _cleaned(each) for name, each in value.items()}
    return [_cleaned(each) for each in value] if isinstance(value, (list, tuple)) else value


def _is_storable(text: str) -> bool:
    """Whether it is Unicode as UTF-8 has it; OCR of strangers' pictures may give anything."""
    try:
        text.isascii() or text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _plain(value: Any) -> Any:  # Any: numbers of numpy, which JSON does not know
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"a read holds a {type(value).__name__}")
