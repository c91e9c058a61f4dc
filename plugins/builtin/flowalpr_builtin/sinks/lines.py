"""Writes messages to a file, a line each."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field, field_validator

from flowalpr import END_OF_TIME, Duration, Exposure, Message, Node, Subject, stamp_of

if TYPE_CHECKING:
    from flowalpr_builtin.sinks.line_file import LineFile


class Lines(Node):
    """Append each message to a file as a line: JSON (`.jsonl`) or, for messages of one kind, a table (`.csv`).

    Only its owner may read the file. Each line is handed to the system at once, so a crash of flowalpr loses none; a
    line torn by a power cut is cut off when the file is opened again. A full file becomes `NAME.1.jsonl`, that one
    `NAME.2.jsonl`, and so on.
    """

    heavy: ClassVar[bool] = True

    path: Path
    """The file, `NAME.jsonl` or `NAME.csv`; `~` is the home folder."""
    megabytes: Annotated[float, Field(gt=0, le=1_000_000)] = 100.0
    """Size at which a new file is begun."""
    age: Annotated[Duration, Field(gt=timedelta(0))] | None = None
    """Time between first and last message of a file, after which a new one is begun; without it, only size counts."""
    keep: Annotated[int, Field(ge=0, le=10_000)] = 5
    """How many full files are kept beside the one being written; the oldest is deleted."""
    keep_for: Annotated[Duration, Field(ge=timedelta(minutes=1))] | None = None
    """For how long a line stays at most while the flow runs: `7 d`; without it, only `keep` counts. Lines go file by
    file: new ones are begun so often that one of `keep` + 1 parts goes at a time."""

    _file: LineFile | None = None
    _tidied: datetime | None = None

    @field_validator("path")
    @classmethod
    def _has_a_known_ending(cls, path: Path) -> Path:
        if path.suffix not in (".jsonl", ".csv") and not path.is_char_device() and not path.is_fifo():
            raise ValueError(f"'{path}' ends neither in .jsonl (a JSON object a line) nor in .csv (a table)")
        return path.expanduser()

    def exposes(self) -> tuple[Exposure, ...]:
        fault, fix = "it is not sealed", "keep them in a `store`, which is sealed and forgets"
        if self.keep_for is None:
            fault, fix = f"{fault}, and no rule says for how long", f"{fix}; at the least set `keep_for: 7 d`"
        return (Exposure("kept", f"the file {self.path}", fault, fix, "path", longest=self.keep_for),)

    def known_of(self, subject: Subject) -> list[dict[str, Any]]:  # Any: the values that JSON has
        from flowalpr.storage.erasing import lines_about

        return [record for path in self._files() for record in lines_about(path, subject)]

    def forget(self, subject: Subject) -> int:
        from flowalpr.storage.erasing import erase_lines, record_of_line
        from flowalpr_builtin.sinks.line_file import alone

        with alone(self.path):
            erased = [erase_lines(each, lambda line: not subject.is_in(record_of_line(line))) for each in self._files()]
            return sum(erased)

    def _files(self) -> list[Path]:
        """The file, and the full ones beside it."""
        numbered = self.path.parent.glob(f"{self.path.stem}.*{self.path.suffix}")
        return [each for each in (self.path, *sorted(numbered)) if each.is_file()]

    def open(self) -> None:
        from flowalpr_builtin.sinks.line_file import LineFile

        ages = [each for each in (self.age, self._part) if each is not None]
        self._file = LineFile(self.path, int(self.megabytes * 1_000_000), min(ages, default=None), self.keep)
        self._tidied = None

    def process(self, message: Message) -> None:
        if self._file is not None:
            stamp = stamp_of(message)
            self._file.append(message.record(), stamp.time if stamp else None)

    def due(self, now: datetime) -> None:
        if self._file is None or self.keep_for is None or self._part is None or now == END_OF_TIME:
            return
        if self._tidied is None or not timedelta(0) <= now - self._tidied < self._part / 100:
            self._tidied = now
            # A line is a hundredth of a part late at most, so that much earlier.
            gone = self._file.tidy(now, self.keep_for - self._part / 100)
            if gone:
                self.tally("files forgotten", gone)

    @property
    def _part(self) -> timedelta | None:
        """The time after which a new file is begun, so that lines can go bit by bit."""
        return self.keep_for / (self.keep + 1) if self.keep_for is not None else None

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
