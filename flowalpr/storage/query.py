"""What can be asked of a store."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from flowalpr.errors import FlowError, Problem
from flowalpr.plates import distance, normal
from flowalpr.plates.nearby import ROUNDING
from flowalpr.storage.tokens import classes, indexed

if TYPE_CHECKING:
    import sqlalchemy as sql

MOST_ALIKE = 0.5
"""Beyond it, texts of different classes (`tokens.ALIKE`) can be that near, and would not be found."""
MOST_STARS = 8
"""More, and matching a long text takes long."""
_WILD = re.compile(r"([?*])")


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class Query:
    """Reads to be found: those for which all holds that is set. Its `repr` says nothing of the text."""

    text: str | None = None
    """A plate, however it is written; `?` is any one character, `*` any number. Empty: reads without a text."""
    alike: float = 0.0
    """How far apart text and plate may be by look-alikes (`plates.distance`), at most 0.5."""
    ids: tuple[str, ...] = ()
    since: datetime | None = None
    """UTC, aware; this moment counts."""
    until: datetime | None = None
    """UTC, aware; this moment does not count."""
    cameras: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    directions: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    """Names of watch lists, one of which it met."""
    is_listed: bool | None = None
    """Whether it met any list."""
    at_least: float | None = None
    """Confidence, 0..1."""
    below: float | None = None
    """Confidence, 0..1; this one does not count."""

    def __post_init__(self) -> None:
        problem = _problem(self)
        if problem is not None:
            raise FlowError([problem])

    @property
    def is_wild(self) -> bool:
        """Whether the text has wildcards."""
        return self.text is not None and _WILD.search(self.text) is not None

    @property
    def pattern(self) -> str:
        """The text as searches see it, with its wildcards."""
        if not self.is_wild:
            return indexed(self.text or "")
        return "".join(part if part in ("?", "*") else normal(part) for part in _WILD.split(self.text or ""))

    def matcher(self) -> Callable[[str], bool]:
        """What tells whether a read's text is what is asked for."""
        if self.text is None:
            return lambda _: True
        pattern, most = self.pattern, self.alike + ROUNDING
        if not self.is_wild:
            return lambda text: _is_near(indexed(text), pattern, most)
        form = classes if self.alike else str
        fits = re.compile("".join(map(_expression, form(pattern))), re.DOTALL).fullmatch
        return lambda text: fits(form(indexed(text))) is not None

    def conditions(self) -> list[sql.ColumnElement[bool]]:
        """What the database itself can tell: all but the text."""
        import sqlalchemy as sql

        from flowalpr.storage.moments import micros
        from flowalpr.storage.schema import READS

        column = READS.c
        several = {"id": self.ids, "camera": self.cameras, "country": self.countries}
        several |= {"direction": self.directions, "reason": self.reasons}
        # One value is asked for by `=`: an index then gives the rows in the order of time.
        found = [
            column[name].in_(values) if len(values) > 1 else column[name] == values[0]
            for name, values in several.items()
            if values
        ]
        if self.since is not None:
            found.append(column.time >= micros(self.since))
        if self.until is not None:
            found.append(column.time < micros(self.until))
        if self.lists:
            names = (json.dumps(each, ensure_ascii=False) for each in self.lists)
            found.append(sql.or_(*(column.listed.contains(name, autoescape=True) for name in names)))
        if self.is_listed is not None:
            found.append(column.listed.is_not(None) if self.is_listed else column.listed.is_(None))
        if self.at_least is not None:
            found.append(column.confidence >= self.at_least)
        if self.below is not None:
            found.append(column.confidence < self.below)
        if self.text == "":
            found.append(column.exact.is_(None))
        return found

    def __repr__(self) -> str:
        return "Query()" if self.text is None else "Query(text=•)"


def _problem(query: Query) -> Problem | None:
    if not 0 <= query.alike <= MOST_ALIKE:
        return Problem(f"alike is {query.alike}", expected=f"a number from 0 to {MOST_ALIKE}")
    if query.text is not None and query.text.count("*") > MOST_STARS:
        return Problem(f"a text with {query.text.count('*')} stars", expected=f"at most {MOST_STARS}")
    for name, time in (("since", query.since), ("until", query.until)):
        if time is not None and time.tzinfo is None:
            return Problem(f"{name} has no time zone", expected="a time with its zone, such as 2026-11-27T08:00Z")
    return None


def _is_near(one: str, other: str, most: float) -> bool:
    """Whether two texts are that near; the distance itself takes long for long ones."""
    return one == other or (most >= 0.1 and len(one) == len(other) and distance(one, other) <= most)


def _expression(character: str) -> str:
    return {"?": ".", "*": ".*?"}.get(character) or re.escape(character)
