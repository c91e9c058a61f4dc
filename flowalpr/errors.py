"""Every error a user can meet, and how it is laid out: where, what, expected, to do."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable

_EXTRAS = {
    "cv2": "cpu",
    "onnxruntime": "cpu",
    "psycopg": "postgres",
    "pyarrow": "parquet",
    "faster_coco_eval": "lab",
    "matplotlib": "lab",
    "onnx": "lab",
    "rapidfuzz": "lab",
    "textual_serve": "web",
    "torch": "train",
    "torch_pruning": "train",
}
"""The extra of flowalpr that brings a module."""


def in_one_line(error: object) -> str:
    """The words of an error in one line, with a semicolon where a line ended."""
    return "; ".join(" ".join(line.split()) for line in str(error).splitlines() if line.strip())


@dataclass(frozen=True, slots=True)
class Place:
    """A spot in a text file; `line` and `column` count from 1, `length` is in characters.

    Line 0 stands for a spot that is no file, for example an option of the command line: then `file` says it all.
    """

    file: str
    line: int
    column: int
    length: int = 1
    source: str = ""
    """The whole text of that line, to be shown with the spot underlined."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake of a user: what is there, what was expected and what to do about it."""

    what: str
    expected: str = ""
    fix: str = ""
    place: Place | None = None

    def __str__(self) -> str:
        lines = [f"{self.place}  {self.what}" if self.place else self.what]
        if self.place and self.place.source.strip():
            lines += _excerpt(self.place)
        if self.expected:
            lines.append(f"  expected  {self.expected}")
        if self.fix:
            lines.append(f"  to fix    {self.fix}")
        return "\n".join(lines)


class FlowalprError(Exception):
    """What is wrong, in words for the user; shown without a traceback."""

    exit_code: ClassVar[int] = 1
    """How the command line ends: 1 failed, 2 what the user wrote or labelled is wrong."""

    def in_one_line(self) -> str:
        """The words, for a line of a log."""
        return in_one_line(self)


class FlowError(FlowalprError):
    """All that is wrong with a flow file, every mistake at once."""

    exit_code = 2

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n\n".join(map(str, self.problems)))


class SetupError(FlowalprError):
    """Something on this machine is missing or unfit; `fix` names the remedy, if possible as a command."""

    def __init__(self, what: str, fix: str = "") -> None:
        self.problem = Problem(what, fix=fix)
        super().__init__(str(self.problem))


def missing_module(error: ModuleNotFoundError) -> SetupError | None:
    """What to install for a module that comes with an extra of flowalpr; None for any other module."""
    name = (error.name or "").partition(".")[0]
    extra = _EXTRAS.get(name)
    if extra is None:
        return None
    gpu = ", or 'flowalpr[cuda]' for an NVIDIA GPU" if extra == "cpu" else ""
    return SetupError(f"{name} is not installed", f"pip install 'flowalpr[{extra}]'{gpu}")


def nearest(name: str, names: Iterable[str]) -> str:
    """The known name most like a misspelt one, as an offer to print, or the empty string."""
    close = get_close_matches(name, list(names), n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'?" if close else ""


def _excerpt(place: Place) -> list[str]:
    """The line of a place with the spot underlined; a very long line is cut around the spot."""
    start = max(0, place.column - 80)
    source = place.source.replace("\t", " ")[start : start + 120].rstrip()
    underline = "^" * max(1, min(place.length, len(source) - (place.column - 1 - start)))
    return [f"{place.line:5} | {source}", f"      | {' ' * (place.column - 1 - start)}{underline}"]
