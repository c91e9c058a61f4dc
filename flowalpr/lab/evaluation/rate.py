"""A share with how far it can be trusted, and whether two shares really differ."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SURE = 1.959964
"""Standard deviations to either side that hold 95 % of a normal distribution."""


@dataclass(frozen=True, slots=True)
class Rate:
    """`hits` of `count` tries."""

    hits: int
    count: int

    @classmethod
    def of(cls, outcomes: Iterable[bool]) -> Rate:
        """The share of true ones."""
        listed = list(outcomes)
        return cls(sum(listed), len(listed))

    @property
    def value(self) -> float:
        """0..1; not a number where nothing was tried."""
        return self.hits / self.count if self.count else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Bounds, 0..1, that hold the true share 95 times in 100 (Wilson 1927, with no continuity correction)."""
        if not self.count:
            return 0.0, 1.0
        squared = SURE * SURE / self.count
        middle = (self.value + squared / 2) / (1 + squared)
        spread = self.value * (1 - self.value) / self.count + squared / (4 * self.count)
        half = SURE * math.sqrt(spread) / (1 + squared)
        # Rounding may put the bounds of 0 and 1 a hair within.
        return min(max(0.0, middle - half), self.value), max(min(1.0, middle + half), self.value)

    def __str__(self) -> str:
        if not self.count:
            return "-"
        low, high = self.interval
        return f"{100 * self.value:.1f} % ({100 * low:.0f}-{100 * high:.0f}, {self.hits} of {self.count})"

    def as_json(self) -> dict[str, float | int | None]:
        """Value, bounds and counts; null where nothing was tried."""
        low, high = self.interval
        value = round(self.value, 4) if self.count else None
        return {"value": value, "low": round(low, 4), "high": round(high, 4), "hits": self.hits, "count": self.count}


@dataclass(frozen=True, slots=True)
class Frequency:
    """How often something happened that may happen several times a picture."""

    count: int
    pictures: int

    @property
    def value(self) -> float:
        """Times a picture; not a number without pictures."""
        return self.count / self.pictures if self.pictures else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Bounds that hold the true frequency 95 times in 100 (Poisson; Byar's approximation, Breslow & Day 1987)."""
        if not self.pictures:
            return 0.0, math.inf
        k, more = self.count, self.count + 1
        low = k * (1 - 1 / (9 * k) - SURE / (3 * math.sqrt(k))) ** 3 if k else 0.0
        high = more * (1 - 1 / (9 * more) + SURE / (3 * math.sqrt(more))) ** 3
        return max(0.0, low) / self.pictures, high / self.pictures

    def as_json(self) -> dict[str, float | int | None]:
        """Value, bounds and counts; null where there was no picture."""
        low, high = self.interval
        known = {"value": round(self.value, 4), "low": round(low, 4), "high": round(high, 4)} if self.pictures else {}
        return {"value": None, "low": None, "high": None, **known, "count": self.count, "pictures": self.pictures}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on the same plates."""

    both: int
    only_first: int
    only_second: int
    neither: int

    @property
    def chance(self) -> float:
        """How likely such a difference is between two equally good models, 0..1 (McNemar's test, exact)."""
        differing = self.only_first + self.only_second
        if not differing:
            return 1.0
        fewer = min(self.only_first, self.only_second)
        tail = sum(math.comb(differing, each) for each in range(fewer + 1))
        return min(1.0, 2.0 * tail / float(2**differing))

    @property
    def says(self) -> str:
        """The comparison as one sentence."""
        if self.chance >= 0.05:
            return f"no difference beyond chance (p = {self.chance:.2g})"
        better = "second" if self.only_second > self.only_first else "first"
        return f"the {better} is better (p = {self.chance:.2g})"


def compare(first: Sequence[bool], second: Sequence[bool]) -> Comparison:
    """Two models by which of the same plates each had right, in the same order."""
    pairs = list(zip(first, second, strict=True))
    return Comparison(
        both=pairs.count((True, True)),
        only_first=pairs.count((True, False)),
        only_second=pairs.count((False, True)),
        neither=pairs.count((False, False)),
    )
