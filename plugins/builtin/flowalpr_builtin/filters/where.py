"""Passes on the messages that meet a condition."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any, TypeVar

from pydantic import field_validator

from flowalpr import Detections, Fault, Frame, Message, Node, PlateRead, Tick

M = TypeVar("M", bound=Message)

READ_FIELDS = {
    *("type", "id", "time", "camera", "frame", "file", "text", "confidence", "country", "raw", "repairs"),
    *("box", "corners", "detection_confidence", "track", "listed"),
}
"""What the record of a read holds."""
OTHER_FIELDS = {"width", "height", "found", "node", "error", "message"}
"""What the records of frames, detections and faults hold beside these."""


class Where(Node):
    """Pass on messages for which `that` is true, for example `confidence >= 0.9 and country in ["D", "NL"]`.

    Fields are those of the message as JSON (`flowalpr read --json` shows them): text, confidence, country, camera,
    time, track, box (left, top, width, height: `box[2] > 80`) and so on. What is not known (a country of
    None) is neither less nor greater than anything. `matches` compares the whole text with a regular expression.
    """

    that: str
    """The condition: fields, numbers, "texts", [lists], and or not, == != < <= > >= in, + - * /, startswith(text, "B"),
    endswith, contains, matches(text, "[A-Z]{3}[0-9]{4}"), length(text)."""

    _is_met: Callable[[dict[str, Any]], bool]  # Any: the values that JSON has

    @field_validator("that")
    @classmethod
    def _is_a_condition(cls, that: str) -> str:
        from flowalpr_builtin.filters.expression import compiled

        compiled(that, known_fields())
        return that

    def open(self) -> None:
        from flowalpr_builtin.filters.expression import compiled

        self._is_met = compiled(self.that, known_fields())

    def process(self, message: M) -> M | None:
        return message if self._is_met(message.record()) else None


def known_fields() -> set[str]:
    """The fields of all messages that there are, those of plugins included."""
    return {*READ_FIELDS, *OTHER_FIELDS, *(each.name for kind in _kinds(Message) for each in fields(kind))}


def _kinds(kind: type[Message]) -> Iterator[type[Message]]:
    for each in kind.__subclasses__():
        if each not in (Frame, Detections, PlateRead, Fault, Tick):  # Their records are named above.
            yield each
        yield from _kinds(each)
