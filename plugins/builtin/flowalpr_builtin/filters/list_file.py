"""Reads a watch list: CSV, YAML or SQLite to entries that are known to be sound, or one error that says where."""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import quote

from flowalpr.plates import normal

Action = Literal["allow", "deny", "alert"]
ACTIONS: tuple[Action, ...] = get_args(Action)
COLUMNS = ("plate", "label", "action", "until")
YAML = (".yaml", ".yml")
SQLITE = (".db", ".sqlite", ".sqlite3")
ENDINGS = (".csv", *YAML, *SQLITE)

MOST_BYTES = 200_000_000
"""A million lines of CSV have 25 MB; labels are what may be long."""
MOST_YAML_BYTES = 250_000
"""Some 5,000 entries, which take some seconds to read: YAML is a thousand times slower than CSV."""
MOST_ENTRIES = 1_000_000
"""They take 570 MB of memory and some 15 seconds to read, in which the old list is in use."""
LONGEST_PLATE = 20
LONGEST_LABEL = 200
LOCK_WAIT = 2.0
"""Seconds that reading waits for another program to let go of a SQLite file."""
NEVER = 9999
"""The year in which what should never expire expires, in many programs."""


class ListError(Exception):
    """A list cannot be used: where, what, what was expected; without plates and labels."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One plate of a list."""

    plate: str = field(repr=False)
    """In normal form."""
    action: Action
    label: str = field(default="", repr=False)
    until: datetime | None = None
    """UTC, aware; from then on it does not count."""
    line: int = 0
    """Where it stands: line, position or row, from 1."""

    def is_over(self, now: datetime) -> bool:
        """Whether it has expired."""
        return self.until is not None and now >= self.until


def read_list(path: Path, action: Action) -> tuple[Entry, ...]:
    """The entries of a list; those that name no action get `action`.

    Raises:
        ListError: it is missing, too large or broken, and nothing of it is used.
    """
    try:
        rows = _rows(path)
        entries: list[Entry] = []
        for line, row in rows:
            if len(entries) == MOST_ENTRIES:
                raise ListError(f"{path} has more than {MOST_ENTRIES:,} entries: divide it among several nodes")
            try:
                entries.append(entry_of(row, line, action))
            except ValueError as error:
                raise ListError(f"{path}:{line}: {error}") from None
    except FileNotFoundError:
        raise ListError(f"{path} is not there") from None
    except UnicodeDecodeError:
        raise ListError(f"{path} is not UTF-8: save it as 'CSV UTF-8', or convert it: iconv -t utf-8") from None
    except (OSError, sqlite3.Error, csv.Error) as error:
        raise ListError(f"{path} cannot be read: {error}") from None
    return tuple(entries)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    """Every row of the file with its line."""
    if not path.is_file():
        raise FileNotFoundError(path)
    most = MOST_YAML_BYTES if path.suffix in YAML else MOST_BYTES
    size = path.stat().st_size
    if size > most:
        raise ListError(
            f"{path} has {size / 1e6:,.2f} MB, and at most {most / 1e6:g} are read; CSV may have {MOST_BYTES / 1e6:g}"
        )
    if path.suffix in SQLITE:
        return _sqlite_rows(path)
    text = path.read_text(encoding="utf-8-sig")
    return _yaml_rows(text, path) if path.suffix in YAML else _csv_rows(text, path)


def _csv_rows(text: str, path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), strict=True)
    names = [name.strip().lower() for name in next(reader, [])]
    _check_names(names, f"{path}:1")
    for row in reader:
        if len(row) > len(names):
            raise ListError(f"{path}:{reader.line_num}: {len(row)} values for {len(names)} columns")
        if any(map(str.strip, row)):
            yield reader.line_num, dict(zip(names, row, strict=False))


def _yaml_rows(text: str, path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    import ruamel.yaml
    from ruamel.yaml.error import YAMLError

    try:
        rows = ruamel.yaml.YAML(typ="base", pure=True).load(text)  # All values stay text: 0123 is a plate.
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ListError(f"{path}:{mark.line + 1 if mark else 1}: {getattr(error, 'problem', 'no YAML')}") from None
    except RecursionError:
        raise ListError(f"{path}: lists within lists within lists; expected a list of plates") from None
    if not isinstance(rows, list):
        raise ListError(f"{path}:1: expected a list, each line `- AB12CDE` or `- {{plate: AB12CDE, label: ...}}`")
    for number, row in enumerate(rows, 1):
        entry = row if isinstance(row, dict) else {"plate": row}
        _check_names(list(entry), f"{path}, entry {number}")
        yield number, entry


def _sqlite_rows(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    database = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=LOCK_WAIT)
    try:
        names = [row[1] for row in database.execute("PRAGMA table_info(watchlist)")]
        if not names:
            raise ListError(f"{path} has no table `watchlist`; expected one with columns {', '.join(COLUMNS)}")
        _check_names(names, f"{path}, table watchlist")
        for number, row in enumerate(database.execute("SELECT * FROM watchlist"), 1):
            yield number, dict(zip(names, row, strict=True))
    finally:
        database.close()


def _check_names(names: Iterable[Any], where: str) -> None:  # Any: whatever a file holds as a name
    """Refuse a misspelt column: without it, an entry that should expire never would."""
    names = list(names)
    for name in names:
        if name not in COLUMNS:
            close = get_close_matches(str(name), COLUMNS, 1)
            hint = f"did you mean '{close[0]}'?" if close else f"expected {', '.join(COLUMNS)}"
            shown = f"column '{name}'" if close else "a column"  # A file without a header has a plate there.
            raise ListError(f"{where}: {shown} is unknown; {hint}")
    if "plate" not in names or len(set(names)) < len(names):
        raise ListError(f"{where}: expected the column plate and, if you like, label, action, until, each once")


def entry_of(row: dict[str, object], line: int, action: Action) -> Entry:
    """The entry of a row.

    Raises:
        ValueError: a value is none.
    """
    plate, label, wanted, until = (_text(row.get(name), name) for name in COLUMNS)
    plate = normal(plate)
    if not 0 < len(plate) <= LONGEST_PLATE:
        raise ValueError(f"a plate has 1 to {LONGEST_PLATE} letters and digits, and this has {len(plate)}")
    if len(label) > LONGEST_LABEL:
        raise ValueError(f"a label has at most {LONGEST_LABEL} characters, and this has {len(label)}")
    for each in ACTIONS:
        if wanted.lower() in ("", each):
            return Entry(plate, each if wanted else action, label, _end(until), line)
    raise ValueError(f"an action is one of {', '.join(ACTIONS)}, or empty")


def _text(value: object, name: str) -> str:
    """A value as one line of printable text."""
    if value is None:
        return ""
    if not isinstance(value, (str, int)):
        raise ValueError(f"{name} is {type(value).__name__}; expected text")
    text = str(value)
    if not text.isprintable():
        text = "".join(each if each.isprintable() else " " for each in text)
    return " ".join(text.split())


def _end(until: str) -> datetime | None:
    """When an entry stops to count: a day is over when it is over here, also one of 23 or 25 hours."""
    if not until:
        return None
    try:
        if len(until) <= len("2026-12-31"):
            day = date.fromisoformat(until)
            if day.year == NEVER:
                return None
            return datetime.combine(day + timedelta(days=1), time.min).astimezone(timezone.utc)
        return datetime.fromisoformat(until.removesuffix("Z") + "+00:00" * until.endswith("Z")).astimezone(timezone.utc)
    except (ValueError, OverflowError, OSError):
        raise ValueError("until is a day (2026-12-31) or a time (2026-12-31T18:00)") from None
