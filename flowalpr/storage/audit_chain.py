"""One entry of the audit log: a line that its seal ties to the line before, so that neither can be changed alone."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

Plain = str | int | float | bool | None | list[str]
"""What an entry may say of its object."""
HEAD_LOST = "head lost"
"""The action of an entry that tells: where the log ended was not known, so entries may be missing before it."""
MENDED = "mended"
"""The action of an entry that tells: a line that was being written when the power went was cut off."""
PURPOSES = "purposes required"
"""The action of an entry that tells for which actions a purpose must be given from then on."""


@dataclass(frozen=True, slots=True)
class Who:
    """Who did something, and from where."""

    user: str
    """The name of an account."""
    origin: str = ""
    """Machine and terminal, or network address."""
    role: str = ""
    """`viewer`, `operator` or `admin`, where the account has one."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was done to the reads, lists or keys."""

    number: int
    """Counts from 1."""
    time: datetime
    """UTC, aware; of the machine's clock, which may be wrong. The order is that of the numbers."""
    who: Who
    action: str
    """What was done: `search`, `export`, `erase` ..."""
    plate: str = ""
    """The pseudonym of the plate that it was about, `MONTH:HMAC`; empty if it was about none."""
    about: Mapping[str, Plain] = field(default_factory=dict)
    """Further particulars, without any plate: how many reads, which store."""
    why: str = ""
    """The purpose, in the words of who did it."""
    before: str = ""
    """The seal of the entry before; empty for the first."""
    seal: str = ""
    """HMAC-SHA256 of all the others, 64 hexadecimal digits."""

    def record(self) -> dict[str, Any]:  # Any: the values that JSON has
        """All of it as plain values, time in ISO 8601."""
        return {
            "number": self.number,
            "time": self.time.astimezone(timezone.utc).isoformat(),
            "user": self.who.user,
            "origin": self.who.origin,
            "role": self.who.role,
            "action": self.action,
            "plate": self.plate,
            "about": dict(self.about),
            "why": self.why,
            "before": self.before,
            "seal": self.seal,
        }


def line_of(entry: Entry) -> bytes:
    """The one line that an entry is in the file."""
    return canonical(entry.record()) + b"\n"


def sealed(entry: Entry, key: bytes) -> Entry:
    """The entry with its seal."""
    record = {name: value for name, value in entry.record().items() if name != "seal"}
    return replace(entry, seal=signature(key, record))


def entry_of(line: bytes, key: bytes) -> Entry | None:
    """The entry of a line (without its end), or None if one byte of it is not as we wrote it."""
    try:
        record = json.loads(line)
        who = Who(record["user"], record["origin"], record["role"])
        names = ("number", "action", "plate", "about", "why", "before", "seal")
        entry = Entry(time=datetime.fromisoformat(record["time"]), who=who, **{name: record[name] for name in names})
        seal = sealed(entry, key).seal
        # The seal is that of the values; that the line is the one way to write them is a question of its own.
        is_ours = hmac.compare_digest(seal, entry.seal) and line_of(entry) == line + b"\n"
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        return None
    return entry if is_ours else None


def canonical(record: Mapping[str, Any]) -> bytes:  # Any: the values that JSON has
    """The one way to write a record: JSON in ASCII on one line, names in order."""
    return json.dumps(record, sort_keys=True, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode()


def signature(key: bytes, record: Mapping[str, Any]) -> str:  # Any: the values that JSON has
    """HMAC-SHA256 of a record, 64 hexadecimal digits."""
    return hmac.new(key, canonical(record), hashlib.sha256).hexdigest()
