"""The queue for training: pictures of plates that somebody corrected, with their true texts."""

from __future__ import annotations

import csv
import fcntl
import io
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flowalpr.errors import SetupError
from flowalpr.storage.erasing import replace_lines
from flowalpr.subject import Subject

FOLDER = "corrections"
"""In the flow's state."""
_PLAIN = re.compile(r"[\w-]{1,64}", re.ASCII)


class Corrections:
    """A folder with pictures and `labels.csv`, as `flowalpr data import csv` reads it, for its owner's eyes alone.

    Several processes may use it at once.
    """

    def __init__(self, folder: Path) -> None:
        """Nothing is made before something is added."""
        self._folder = folder
        self._table = folder / "labels.csv"

    def add(self, id_: str, text: str, picture: bytes) -> bool:
        """Put the picture of a read aside with its true text; False if its id cannot name a file.

        Raises:
            OSError: it cannot be written.
        """
        if not _PLAIN.fullmatch(id_):
            return False
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = f"{id_}.jpg"
        with self._alone():
            with os.fdopen(_descriptor(self._folder / name, os.O_TRUNC), "wb") as file:
                file.write(picture)
            with os.fdopen(_descriptor(self._table, os.O_APPEND), "a", encoding="utf-8", newline="") as lines:
                heading = "" if self._table.stat().st_size else _line("file", "text")
                lines.write(heading + _line(name, text))
        return True

    def known_of(self, subject: Subject) -> list[dict[str, Any]]:  # Any: the values that JSON has, and pictures
        """What waits here of one plate, each with its picture.

        Raises:
            SetupError: it cannot be read.
        """
        if not self._folder.is_dir():
            return []
        with self._readable(), self._alone():
            found = [(name, text, self._at(name)) for name, text in self._rows() if _is_of(subject, name, text)]
            return [
                {"id": Path(name).stem, "text": text, "pictures": {"plate": there[0].read_bytes()} if there else {}}
                for name, text, there in found
            ]

    def forget(self, subject: Subject) -> int:
        """Erase pictures and labels of one plate for good; how many labels that were.

        Raises:
            SetupError: they cannot be erased.
        """
        erased = self._change(lambda name, text: None if _is_of(subject, name, text) else text)
        with self._readable():
            for id_ in subject.ids:  # A picture may be there without its label, if the power went between the two.
                self._erase_picture(f"{id_}.jpg")
        return erased

    def correct(self, subject: Subject, text: str) -> int:
        """Write a plate anew in its labels; in how many.

        Raises:
            SetupError: they cannot be written.
        """
        return self._change(lambda _, old: text if subject.is_meant_by(old) else old)

    def _change(self, new_text: Callable[[str, str], str | None]) -> int:
        """Give each label a new text; None erases it with its picture. How many were changed."""
        if not self._folder.is_dir():
            return 0
        with self._readable(), self._alone():
            old = self._rows()
            new = [(name, new_text(name, text)) for name, text in old]
            for name, text in new:
                if text is None:
                    self._erase_picture(name)
            changed = sum(before != after for before, after in zip(old, new, strict=True))
            if changed:
                kept = [_line(name, text) for name, text in new if text is not None]
                replace_lines(self._table, [_line("file", "text"), *kept])
        return changed

    def _rows(self) -> list[tuple[str, str]]:
        """Name of the picture and text of each label."""
        if not self._table.exists():
            return []
        with self._table.open(encoding="utf-8", newline="") as lines:
            return [(row[0], row[1]) for row in list(csv.reader(lines))[1:] if len(row) == 2]

    def _erase_picture(self, name: str) -> None:
        for each in self._at(name):
            each.write_bytes(b"\0" * each.stat().st_size)
            each.unlink()

    def _at(self, name: str) -> list[Path]:
        """The picture of that name, if it is there and one of ours."""
        path = self._folder / name
        return [path] if _PLAIN.fullmatch(path.stem) and path.name == name and path.is_file() else []

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except (OSError, csv.Error, UnicodeError) as error:
            raise SetupError(f"{self._folder} cannot be used: {error}", f"ls -la {self._folder}") from error

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else adds or changes anything while the block runs, which takes milliseconds."""
        handle = os.open(self._folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _is_of(subject: Subject, name: str, text: str) -> bool:
    return Path(name).stem in subject.ids or subject.is_meant_by(text)


def _line(*cells: str) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


def _descriptor(path: Path, how: int) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | how, 0o600)
