"""One person, known by a plate, who asks what is kept of them, or that it be erased."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flowalpr.plates import distance, normal


@dataclass(frozen=True)
class Subject:
    """A plate, and the ids of reads and events that are known to be of it. Its `repr` names neither."""

    plate: str
    """However it is written."""
    alike: float = 0.0
    """How far a text may be apart and still count as this plate, misread (`flowalpr.plates.distance`)."""
    ids: frozenset[str] = frozenset()
    """Ids of its reads, as far as they are known."""

    def is_meant_by(self, text: str) -> bool:
        """Whether a text is this plate."""
        other = normal(text)
        return other == self._normal or (self.alike > 0 and 0 < distance(other, self._normal) <= self.alike)

    def is_in(self, value: Any) -> bool:  # Any: the values that JSON has
        """Whether a record speaks of this plate anywhere: as a text, inside one, or by the id of one of its reads."""
        if isinstance(value, str):
            return value in self.ids or self.is_meant_by(value) or bool(self._mention.search(value))
        if isinstance(value, Mapping):
            return any(self.is_in(each) for each in value.values())
        return isinstance(value, list | tuple) and any(self.is_in(each) for each in value)

    @cached_property
    def _normal(self) -> str:
        return normal(self.plate)

    @cached_property
    def _mention(self) -> re.Pattern[str]:
        """The plate inside a longer text, with anything but letters and digits between its characters and around it."""
        letters = r"[\W_]*".join(map(re.escape, self._normal)) or r"(?!)"
        return re.compile(rf"(?<![^\W_]){letters}(?![^\W_])", re.IGNORECASE)

    def __repr__(self) -> str:
        return "Subject(•)"
