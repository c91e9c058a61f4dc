"""The last step before mistakes are shown: each once, in order, no secret among them, safe to print."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from flowalpr.errors import FlowError, Place, Problem

MAX_PROBLEMS = 50
"""Mistakes shown at once; a file with more is broken in one place, not in all of them."""
WINDOW = 1000
"""Characters on either side of a mistake that are looked through for secrets, more than are shown."""

_SECRETS = re.compile(
    r"(?<=://)[^\s\"',}]{1,300}(?=@)"  # Name and password in a URL.
    r"|(?i:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|credentials?)[\"']?\s*[:=]\s*(?P<value>\"[^\"]*\"?|'[^']*'?|[^\s,}]+)"
)
_REFERENCE = re.compile(r"[\"']?(env:|file:|\$\{)")


def flow_error(problems: Iterable[Problem], secrets: Iterable[Place] = ()) -> FlowError:
    """The error that shows all these mistakes; what stands at the places `secrets` is masked wherever it is shown."""
    # A subflow that is used twice has each of its mistakes twice, under two names of nodes.
    once: dict[object, Problem] = {}
    for each in problems:
        once.setdefault((each.place, each.expected, each.fix, "" if each.place else each.what), each)
    ordered = sorted(once.values(), key=_position)
    spots = [(place.file, place.line, place.column, place.length) for place in secrets]
    shown_first = [_finished(problem, spots) for problem in ordered[:MAX_PROBLEMS]]
    rest = len(ordered) - len(shown_first)
    return FlowError([*shown_first, *([Problem(f"and {rest} more")] if rest else [])])


def safe_to_show(problems: Iterable[Problem]) -> list[Problem]:
    """The same without passwords, and without what would steer a terminal."""
    return [_finished(each, []) for each in problems]


def shown(value: object) -> str:
    """A value as it is shown in an error: short, and without the password of a URL."""
    if value is None:
        return "empty"
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    cut = redacted(text[:WINDOW])
    return cut if len(text) <= 80 else f"{cut[:60]}... ({len(text)} characters)"


def redacted(text: str) -> str:
    """The text with passwords replaced by stars, as long as before so that columns still count."""
    return _SECRETS.sub(_masked, text)


def _masked(match: re.Match[str]) -> str:
    whole, value = match[0], match["value"]
    if value is None:
        return "*" * len(whole)
    return whole if _REFERENCE.match(value) else whole[: -len(value)] + "*" * len(value)


def _finished(problem: Problem, spots: list[tuple[str, int, int, int]]) -> Problem:
    place = problem.place
    if place is not None:
        start = max(0, place.column - WINDOW)
        source = " " * start + place.source[start : place.column + WINDOW]  # Only what is near can be shown.
        for file, line, column, length in spots:
            if (file, line) == (place.file, place.line):
                source = source[: column - 1] + "*" * length + source[column - 1 + length :]
        place = replace(place, file=_printable(redacted(place.file)), source=_printable(redacted(source)))
    return Problem(
        _printable(redacted(problem.what[:WINDOW])), _printable(problem.expected), _printable(problem.fix), place
    )


def _printable(text: str) -> str:
    """The text without characters that would steer a terminal or cannot be encoded."""
    return "".join(
        each if each.isprintable() else " " if each == "\t" else "\N{REPLACEMENT CHARACTER}" for each in text
    )


def _position(problem: Problem) -> tuple[int, str, int, int]:
    place = problem.place
    return (1, place.file, place.line, place.column) if place and place.line else (0, str(place), 0, 0)
