"""Adds an entry to a watch list while others read it: what is there stays as it is, and nobody sees half a list."""

from __future__ import annotations

import csv
import io
import os
import shutil
import sqlite3
import threading
from pathlib import Path

from flowalpr_builtin.filters.list_file import COLUMNS, LOCK_WAIT, SQLITE, YAML, Action, Entry, ListError, entry_of

Row = dict[str, str]
_writing = threading.Lock()
"""Of this process: two nodes may have the same list."""


def add_entry(path: Path, row: Row, action: Action) -> Entry:
    """Add a row (`plate`, `label`, `action`, `until`) to a list; the entry that it became.

    Raises:
        ListError: a value is none, or the file cannot be written; it is then as it was.
    """
    try:
        entry = entry_of({**row}, 0, action)
    except ValueError as error:
        raise ListError(str(error)) from None
    try:
        with _writing:
            if path.suffix in SQLITE:
                _into_database(path, row)
            else:
                text = path.read_text(encoding="utf-8-sig")
                _replace(path, _with_item(text, row) if path.suffix in YAML else _with_line(text, row))
    except (OSError, UnicodeError, sqlite3.Error) as error:
        raise ListError(f"{path} cannot be written: {error}") from None
    return entry


def _with_line(text: str, row: Row) -> str:
    """CSV with one more line, in the columns that are there; one that lacks a column which is needed gets it."""
    first, _, rest = text.partition("\n")
    delimiter = max(",;\t", key=first.count)
    names = [name.strip().lower() for name in next(csv.reader([first], delimiter=delimiter), [])] or list(COLUMNS)
    missing = [name for name in COLUMNS if row.get(name) and name not in names]
    head = delimiter.join([first.rstrip("\r") or delimiter.join(names), *missing])
    line = io.StringIO()
    csv.writer(line, delimiter=delimiter, lineterminator="\n").writerow([row.get(name, "") for name in names + missing])
    end = "" if not rest or rest.endswith("\n") else "\n"
    return f"{head}\n{rest}{end}{line.getvalue()}"


def _with_item(text: str, row: Row) -> str:
    """YAML with one more item; comments stay."""
    import ruamel.yaml
    from ruamel.yaml.error import YAMLError

    yaml = ruamel.yaml.YAML()  # Round trip.
    try:
        items = yaml.load(text) if text.strip() else []
    except YAMLError as error:
        raise ListError(f"it is no YAML now: {getattr(error, 'problem', error)}") from None
    if not isinstance(items, list):
        raise ListError("it is no list of plates now")
    items.append({name: value for name, value in row.items() if value})
    written = io.StringIO()
    yaml.dump(items, written)
    return written.getvalue()


def _into_database(path: Path, row: Row) -> None:
    database = sqlite3.connect(path, timeout=LOCK_WAIT)
    try:
        names = {each[1] for each in database.execute("PRAGMA table_info(watchlist)")}
        with database:
            for name in COLUMNS:
                if row.get(name) and name not in names:
                    database.execute(f"ALTER TABLE watchlist ADD COLUMN {name} TEXT")  # One of our own four names.
            values = {name: row.get(name, "") for name in COLUMNS if name in names or row.get(name)}
            columns, marks = ", ".join(values), ", ".join("?" * len(values))
            database.execute(f"INSERT INTO watchlist ({columns}) VALUES ({marks})", list(values.values()))  # noqa: S608  # As above.
    finally:
        database.close()


def _replace(path: Path, text: str) -> None:
    new = path.with_name(f".{path.name}.new")
    with new.open("w", encoding="utf-8", newline="") as file:
        shutil.copymode(path, new)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
