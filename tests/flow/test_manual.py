"""What people read about the settings of a node."""

from __future__ import annotations

import re
from datetime import timedelta
from enum import Enum
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from flowalpr import Duration, Fraction, Node, PlateRead
from flowalpr.docstrings import field_help, first_line
from flowalpr.flow.manual import settings_of, written


class Side(Enum):
    left = "left"
    right = "right"


class Zone(BaseModel):
    left: int
    right: int


class Many(Node):
    """Has settings of many kinds.

    And more to say.
    """

    share: Fraction = 0.8
    """How much."""
    pause: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(milliseconds=1500)
    count: Annotated[int, Field(ge=1, le=5)]
    above: Annotated[float, Field(gt=0)] = 1.0
    side: Side = Side.left
    zone: Zone | None = None
    zones: list[Zone] = Field(default_factory=list)
    labels: dict[str, float] = Field(default={"a": 1.0})
    text: str = ""
    pattern: re.Pattern[str] | None = None
    anything: Any = None

    def process(self, read: PlateRead) -> None: ...


class More(Many):
    """Derives."""

    share: Fraction = 0.9
    """Said anew."""


@pytest.mark.parametrize(
    ("name", "means", "default"),
    [
        ("share", "a number from 0 to 1", "0.8"),
        ("pause", "a duration with its unit (ms, s, min, h, d)", "1.5 s"),
        ("count", "a whole number from 1 to 5", ""),
        ("above", "a number, more than 0", "1"),
        ("side", "one of left, right", "left"),
        ("zone", "names and values: left, right", "none"),
        ("zones", "a list, each names and values: left, right", "[]"),
        ("labels", "names and values", "{a: 1}"),
        ("text", "text", '""'),
        ("pattern", "text", "none"),
        ("anything", "a value", "none"),
    ],
)
def test_a_setting_in_words(name: str, means: str, default: str) -> None:
    setting = settings_of(Many)[name]
    assert (setting.means, setting.default, setting.required) == (means, default, name == "count")


def test_help_is_the_string_below_a_field() -> None:
    assert field_help(Many) == {"share": "How much."}
    assert field_help(More) == {"share": "Said anew."}
    assert first_line(Many) == "Has settings of many kinds."


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.3, "300 ms"), (1, "1 s"), (90, "90 s"), (120, "2 min"), (3600, "1 h"), (86400 * 30, "30 d"), (0, "0 ms")],
)
def test_durations_are_written_as_in_a_flow(seconds: float, text: str) -> None:
    assert written(timedelta(seconds=seconds)) == text
