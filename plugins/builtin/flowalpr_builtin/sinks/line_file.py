"""A file of records, one a line, that survives crashes and full disks and does not grow for ever."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import logging
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from flowalpr import SetupError

log = logging.getLogger(__name__)

LINE_BREAKS = {0x85: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}
"""Characters that JSON leaves as they are and many readers take for the end of a line."""
START = 65536
"""Bytes at the begin of a file in which its first record is sought."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet run a cell as a formula (OWASP, CSV Injection); such texts get an apostrophe in front."""


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Nobody writes the file while the block runs.

    Raises:
        SetupError: a running flow does.
    """
    if not path.exists():
        yield
        return
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SetupError(f"{path} is being written by a running flow", "stop that flow first") from None
        yield


class LineFile:
    """A JSONL or CSV file, by its ending, open for appending."""

    def __init__(self, path: Path, most_bytes: int, most_age: timedelta | None, keep: int) -> None:
        """Opens or makes the file, with mode 0600; cuts off a torn last line.

        Raises:
            SetupError: the file cannot be written.
        """
        self._path = path
        self._most_bytes = most_bytes
        self._most_age = most_age
        self._keep = keep
        self._columns: list[str] = []
        self._begun: datetime | None = None
        self._file: io.FileIO | None = None
        self._is_table = path.suffix == ".csv"
        self._is_regular = False
        self._has_our_rows = False
        self._is_fresh = True
        try:
            self._open()
        except OSError as error:
            raise SetupError(
                f"{path} cannot be written: {error.strerror}",
                f"give a path in a folder that this user may write to: ls -ld {path.parent}",
            ) from error

    def append(self, record: dict[str, Any], time: datetime | None) -> None:  # Any: the values that JSON has
        """Write one record, of this time if it has one; all of its line or, if that fails, nothing.

        Raises:
            OSError: the disk is full or the file cannot be written; the path is in it.
            ValueError: a table got a record of another kind.
        """
        if self._is_fresh and self._is_regular:
            self.close()  # A node that this one replaces, and which is closed by now, may have begun a new file since.
        self._is_fresh = False
        if self._file is None:  # Or the disk was full when a new file was to be begun.
            self._open()
        if self._is_regular and self._is_due(time):
            self._rotate()
        line = self._row(record) if self._is_table else _json_line(record)
        self._write(line)
        self._begun = self._begun or time

    def tidy(self, now: datetime, longest: timedelta) -> int:
        """Begin a new file if this one is old enough, delete full ones that began `longest` ago; how many those were.

        Raises:
            OSError: that cannot be done.
        """
        if self._file is None or not self._is_regular:
            return 0
        if self._is_due(now):
            self._rotate()
        elif self._begun is None and os.fstat(self._file.fileno()).st_size > 0:
            self._begun = now  # Of lines that tell no time.
        old = [path for path in map(self._numbered, range(1, self._keep + 1)) if path.exists()]
        gone = [path for path in old if now - self._beginning(path) >= longest]
        for path in gone:
            path.unlink()
        return len(gone)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
        os.set_blocking(handle, True)  # It was opened without, lest a pipe that nobody reads block for ever.
        self._file = io.FileIO(handle, "r+")
        self._is_regular = stat.S_ISREG(os.fstat(handle).st_mode)
        self._columns, self._begun = [], None
        if self._is_regular:
            with suppress(BlockingIOError):  # What another is writing is not torn.
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._mend()
            fcntl.flock(handle, fcntl.LOCK_SH)  # By which others know that it is being written.
            self._look_at_the_start()

    def _mend(self) -> None:
        """Cut off a last line that has no end: what was being written when the power went."""
        file = self._opened()
        size = end = file.seek(0, os.SEEK_END)
        while end > 0:
            start = max(0, end - 65536)
            file.seek(start)
            at = file.read(end - start).rfind(b"\n")
            if at >= 0:
                end = start + at + 1
                break
            end = start
        if end < size:
            file.truncate(end)
            log.warning("%s: the last line was torn; its %d bytes were cut off", self._path, size - end)

    def _look_at_the_start(self) -> None:
        """Learn a table's columns and the time of the first record, if the file has any."""
        file = self._opened()
        file.seek(0)
        self._columns, self._begun = _start_of(file.read(START), is_table=self._is_table)

    def _beginning(self, path: Path) -> datetime:
        """The time of a full file's first record, or of its last change if it tells none."""
        with path.open("rb") as file:
            _, begun = _start_of(file.read(START), is_table=self._is_table)
            return begun or datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, timezone.utc)

    def _is_due(self, time: datetime | None) -> bool:
        size = os.fstat(self._opened().fileno()).st_size
        too_old = self._most_age and time and self._begun and time - self._begun >= self._most_age
        return size > 0 and (size >= self._most_bytes or bool(too_old))

    def _rotate(self) -> None:
        """Make the file number 1, number 1 number 2 and so on, and begin a new one; the oldest is deleted."""
        self.close()
        for number in range(self._keep, 0, -1):
            older, newer = self._numbered(number), self._numbered(number - 1)
            if newer.exists():
                newer.replace(older)
        if self._keep == 0:
            self._path.unlink(missing_ok=True)
        self._open()

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.stem}.{number}{self._path.suffix}") if number else self._path

    def _row(self, record: dict[str, Any]) -> bytes:  # Any: the values that JSON has
        """The record as a row, with the heading in front if the file is new."""
        columns = list(record)
        heading = b""
        if self._columns and columns != self._columns:
            if self._has_our_rows:
                raise ValueError(f"{self._path} is a table of other columns; for several kinds of messages use .jsonl")
            log.warning("%s has other columns than this version writes; a new file is begun", self._path)
            self._rotate()
        if not self._columns:
            heading = _csv_line(columns)
            self._columns = columns
        self._has_our_rows = True
        return heading + _csv_line([_cell(value) for value in record.values()])

    def _write(self, line: bytes) -> None:
        """Append the line or leave the file as it was."""
        file = self._opened()
        before = os.fstat(file.fileno()).st_size
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[file.write(rest) or 0 :]
        except OSError as error:
            if self._is_regular:
                file.truncate(before)
                if before == 0:
                    self._columns = []
            raise OSError(error.errno, error.strerror, str(self._path)) from error

    def _opened(self) -> io.FileIO:
        if self._file is None:
            raise ValueError(f"{self._path} is closed")
        return self._file


def _start_of(content: bytes, *, is_table: bool) -> tuple[list[str], datetime | None]:
    """A table's columns, and the time of the first record; none of what somebody else wrote."""
    lines, columns = content.decode("utf-8", "replace").splitlines(), list[str]()
    try:
        if is_table and lines:
            columns, *rows = csv.reader(lines[:2])
            when = dict(zip(columns, rows[0], strict=True))["time"] if rows else ""
        else:
            when = json.loads(lines[0])["time"] if lines else ""
        begun = datetime.fromisoformat(when) if when else None
    except (ValueError, KeyError, TypeError, csv.Error):
        begun = None
    return columns, begun if begun and begun.tzinfo else None


def _json_line(record: dict[str, Any]) -> bytes:  # Any: the values that JSON has
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":")).translate(LINE_BREAKS)
    return text.encode("utf-8", "backslashreplace") + b"\n"  # A lone surrogate becomes \udcXX, which JSON reads back.


def _csv_line(cells: list[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue().encode("utf-8", "backslashreplace")


def _cell(value: Any) -> str:  # Any: the values that JSON has
    """The value for a table: lists as JSON, texts on one line and harmless to a spreadsheet."""
    if value is None:
        return ""
    if isinstance(value, str):
        flat = " ".join(value.splitlines())
        return f"'{flat}" if value.startswith(FORMULA) else flat
    return json.dumps(value, ensure_ascii=False)
