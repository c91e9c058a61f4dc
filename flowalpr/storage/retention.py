"""For how long reads and their pictures are kept, and what is due to be deleted: a pure function of time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from flowalpr.messages import Passage, PlateRead
from flowalpr.settings import parse_duration
from flowalpr.storage.laws import LAWS

if TYPE_CHECKING:
    from flowalpr.storage.query import Query

NEVER = timedelta(0)
"""The period of what is not even written."""


def _period(value: object) -> object:
    if value == "never":
        return NEVER
    parsed = parse_duration(value)
    if parsed == NEVER and value != NEVER:
        raise ValueError("write `never` for what is not to be stored at all")
    return parsed


Period = Annotated[
    timedelta,
    BeforeValidator(_period),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^(never|\s*\d+(\.\d+)?\s*(ms|s|min|h|d)\s*)$",
            "examples": ["30 d", "3 min", "never"],
            "x-means": "a duration with its unit (s, min, h, d), or `never`",
        }
    ),
]
"""For how long something is kept: `30 d`, `3 min`, or `never` for what is not stored at all."""


class Rule(BaseModel):
    """A period for some of the reads: those for which all holds that is set here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cameras: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    matched: bool | None = None
    keep: Period

    def fits(self, read: PlateRead) -> bool:
        """Whether it speaks of this read."""
        reason = read.reason if isinstance(read, Passage) else "read"
        return (
            (not self.cameras or read.stamp.camera in self.cameras)
            and (not self.lists or any(each.list in self.lists for each in read.listed))
            and (not self.reasons or reason in self.reasons)
            and (self.matched is None or self.matched == bool(read.listed))
        )

    @property
    def conditions(self) -> dict[str, Any]:  # Any: what a query takes
        """The same as a question to the store."""
        return {"cameras": self.cameras, "lists": self.lists, "reasons": self.reasons, "is_listed": self.matched}

    def __str__(self) -> str:
        named = {"cameras": self.cameras, "lists": self.lists, "reasons": self.reasons}
        parts = [f"{name}: {', '.join(value)}" for name, value in named.items() if value]
        if self.matched is not None:
            parts.append("matched" if self.matched else "unmatched")
        return "; ".join(parts) or "all reads"


class Hold(BaseModel):
    """Reads that are kept whatever their period says, since somebody is bound by law to keep them; it ends itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    since: AwareDatetime
    until: AwareDatetime
    ends: AwareDatetime
    why: Annotated[str, Field(min_length=3, max_length=1000)]
    cameras: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()

    @property
    def conditions(self) -> dict[str, Any]:  # Any: what a query takes
        """The same as a question to the store."""
        return {"since": self.since, "until": self.until, "cameras": self.cameras, "lists": self.lists}


class Keep(BaseModel):
    """For how long reads are kept. Where several periods fit a read, the shortest counts.

    Written in a flow file as `keep: {matched: 30 d, unmatched: 3 min, crops: 24 h}`, or with the name of a law that
    sets what is left out: `keep: {law: eu-guidelines}`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    law: Annotated[str, Field(json_schema_extra={"enum": ["", *LAWS]})] = ""
    matched: Period | None = None
    unmatched: Period | None = None
    unread: Period | None = None
    crops: Period | None = None
    frames: Period | None = None
    rules: Annotated[tuple[Rule, ...], Field(max_length=100)] = ()
    holds: Annotated[tuple[Hold, ...], Field(max_length=100)] = ()
    pseudonyms: Literal["none", "unmatched", "all"] = "none"
    rotate: Annotated[Period, Field(gt=NEVER)] = timedelta(days=1)

    @model_validator(mode="before")
    @classmethod
    def _with_the_law(cls, given: Any) -> Any:  # Any: what is written in a file
        if isinstance(given, Mapping) and isinstance(given.get("law"), str) and given["law"] in LAWS:
            return {**LAWS[given["law"]].keep, **given}
        return given

    @field_validator("law")
    @classmethod
    def _is_known(cls, law: str) -> str:
        if law and law not in LAWS:
            raise ValueError(f"no law '{law}' is known here: use one of {', '.join(LAWS)}, or give periods of your own")
        return law

    @property
    def all_rules(self) -> tuple[Rule, ...]:
        """Its periods for whole reads as rules."""
        short = ((True, self.matched), (False, self.unmatched))
        whole = [Rule(matched=matched, keep=period) for matched, period in short if period is not None]
        return (*whole, *self.rules)

    @property
    def unbounded(self) -> tuple[str, ...]:
        """Which of `matched` and `unmatched` reads may stay for ever."""
        general = [each for each in self.all_rules if not (each.cameras or each.lists or each.reasons)]
        sorts = {"matched": True, "unmatched": False}
        return tuple(name for name, sort in sorts.items() if all(each.matched not in (None, sort) for each in general))

    def period(self, read: PlateRead) -> timedelta | None:
        """For how long that read is kept; `NEVER` if it is not even written, None if for ever."""
        periods = [each.keep for each in self.all_rules if each.fits(read)]
        if not read.text and self.unread is not None:
            periods.append(self.unread)
        return min(periods, default=None)

    def pictures(self) -> tuple[str, ...]:
        """The kinds of pictures that may be written at all."""
        return tuple(kind for kind, period in (("crop", self.crops), ("frame", self.frames)) if period != NEVER)

    def shelf(self, read: PlateRead) -> str:
        """Reads of one shelf go at the same age, so that the keys of a shelf can be destroyed together."""
        period = self.period(read)
        return "" if period is None else f"{period.total_seconds():g}"

    def takes_pseudonym(self, read: PlateRead) -> bool:
        """Whether a pseudonym is stored in place of its text."""
        return self.pseudonyms == "all" or (self.pseudonyms == "unmatched" and not read.listed)

    def spared(self, now: datetime) -> tuple[Query, ...]:
        """Questions to the store that find what must not be deleted at that time."""
        from flowalpr.storage.query import Query  # Here, since the settings of a node are made of this module.

        return tuple(Query(**each.conditions) for each in self.holds if now < each.ends)

    def due(self, now: datetime) -> tuple[Due, ...]:
        """What is to be deleted at that time. An earlier time never gives more than a later one."""
        found = [Due("read", str(each), now - each.keep, each.conditions) for each in self.all_rules]
        if self.unread is not None:
            found.append(Due("read", "no plate was read", now - self.unread, {"text": ""}))
        for kind, period in (("crop", self.crops), ("frame", self.frames)):
            if period is not None:
                found.append(Due(kind, "all reads", now - period, {}))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be deleted."""

    kind: str
    """`read`: reads with all that belongs to them; else `crop` or `frame`, pictures of reads that stay."""
    which: str
    """Of which reads, in words."""
    before: datetime
    """Reads of earlier times."""
    conditions: Mapping[str, Any]  # Any: what a query takes

    def query(self) -> Query:
        """The question to the store that finds them."""
        from flowalpr.storage.query import Query  # Here, since the settings of a node are made of this module.

        return Query(**self.conditions, until=self.before)
