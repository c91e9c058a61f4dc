"""Finds the plates that a text may be a misread of, among very many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from flowalpr.plates.alphabet import ALIKE, UNALIKE
from flowalpr.plates.matching import distance

T = TypeVar("T")

ROUNDING = 1e-9
"""Three times 0.1 is a little more than 0.3 in floating point."""


@dataclass(frozen=True, slots=True)
class Near(Generic[T]):
    """What was found."""

    distance: float
    text: str
    item: T


class Nearby(Generic[T]):
    """Items by plate text, found by every text that is at most `within` away (`distance`).

    Below 1, where only look-alikes count, a search takes as long for a million plates as for one; from 1 on, where
    characters may be missing, it looks at all plates.
    """

    def __init__(self, within: float) -> None:
        self._within = within + ROUNDING
        self._groups = _groups(self._within)
        self._items: dict[str, list[tuple[str, T]]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._items.values()))

    def add(self, text: str, item: T) -> None:
        """Keep an item under a plate text; several may have one text."""
        self._items.setdefault(self.key(text), []).append((text, item))

    def remove(self, text: str, item: T) -> None:
        """Forget an item that was kept under that text.

        Raises:
            ValueError: it is not there.
        """
        key = self.key(text)
        self._items[key].remove((text, item))
        if not self._items[key]:
            del self._items[key]

    def find(self, text: str) -> list[Near[T]]:
        """All items whose text is near enough, the nearest first, in the order in which they were added."""
        found = [Near(distance(text, each), each, item) for each, item in self._candidates(text)]
        return sorted((near for near in found if near.distance <= self._within), key=lambda near: near.distance)

    def key(self, text: str) -> str:
        """The same for all texts that may be near one another, since they differ by look-alikes of one group."""
        return text.translate(self._groups)

    def _candidates(self, text: str) -> Iterator[tuple[str, T]]:
        if self._within < UNALIKE:
            yield from self._items.get(self.key(text), ())
            return
        for items in self._items.values():
            yield from (each for each in items if abs(len(each[0]) - len(text)) <= self._within)


def _groups(within: float) -> dict[int, str]:
    """For each character the first of those that it can be taken for, step by step, each at a cost of `within`."""
    first: dict[int, str] = {}
    for start in sorted(ALIKE):
        reached = [start] if ord(start) not in first else []
        for each in reached:
            first[ord(each)] = start
            reached += [other for other, cost in ALIKE[each].items() if cost <= within and ord(other) not in first]
    return first
