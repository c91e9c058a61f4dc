"""Erasing records for good: from SQLite files with their journals, and from files of lines."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from flowalpr.errors import SetupError
from flowalpr.subject import Subject

LOCK_WAIT = 10.0
"""Seconds that we wait for another program to let go of a file."""


@contextmanager
def erasing(path: Path) -> Iterator[sqlite3.Connection]:
    """A SQLite file in which what is deleted is overwritten, in its journal too, when the block has ended.

    Raises:
        SetupError: it cannot be read or written.
    """
    with reading(path) as database:
        database.execute("PRAGMA secure_delete = ON")
        with database:
            yield database
        database.execute("VACUUM")  # What was deleted before `secure_delete` lies in free pages.
        busy, _, _ = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise sqlite3.OperationalError("another program reads it, so its journal cannot be emptied")


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A SQLite file that is there.

    Raises:
        SetupError: it cannot be read.
    """
    try:
        with closing(sqlite3.connect(path, timeout=LOCK_WAIT)) as database:
            yield database
    except sqlite3.Error as error:
        raise SetupError(f"{path} cannot be used: {error}", f"stop what uses it, or: ls -la {path.parent}") from error


def lines_about(path: Path, subject: Subject) -> list[dict[str, Any]]:  # Any: the values that JSON has
    """The records of a JSONL file that speak of a plate; lines that are no JSON are shown as they are."""
    return [record_of_line(line) for line in _lines(path) if subject.is_in(record_of_line(line))]


def erase_lines(path: Path, keep: Callable[[str], bool]) -> int:
    """Rewrite a file of lines with those to be kept, and overwrite the old one; how many went.

    Raises:
        SetupError: it cannot be written; nothing is lost.
    """
    lines = _lines(path)
    kept = [line for line in lines if keep(line)]
    if len(kept) < len(lines):
        replace_lines(path, kept)
    return len(lines) - len(kept)


def replace_lines(path: Path, lines: list[str]) -> None:
    """Give a file other lines, all or none of them, and overwrite what was in it.

    Raises:
        SetupError: it cannot be written; nothing is lost.
    """
    unfinished = path.with_name(f".{path.name}.part")
    try:
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        with path.open("r+b") as old:
            unfinished.replace(path)
            old.write(b"\0" * os.fstat(old.fileno()).st_size)  # As far as the disk lets that be done.
            old.flush()
            os.fsync(old.fileno())
    except OSError as error:
        raise SetupError(f"{path} cannot be written: {error.strerror}", f"ls -la {path.parent}") from error


def _lines(path: Path) -> list[str]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        return file.readlines()


def record_of_line(line: str) -> dict[str, Any]:  # Any: the values that JSON has
    """The record of a line, or the line as it is where it is no JSON."""
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    return record if isinstance(record, dict) else {"line": line.rstrip("\r\n")}
