"""One text from many reads of a plate: each character by the weight of all that speaks for it and against it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import exp, log, prod
from typing import NamedTuple

from flowalpr.plates.alphabet import alike
from flowalpr.plates.matching import align

MOST_TEXTS = 24
"""Different texts that are remembered; the one with the least weight is forgotten first."""
LEAST, MOST = 0.02, 0.995
"""A reader's confidence in a character is believed within these limits: none is ever beyond doubt."""
ABSENT = 0.9
"""How sure a read is taken to be that there is nothing where others saw a character."""
PART, FEWER = 0.3, 2
"""A text that is a part of another one and has at least so many characters fewer: so much its read counts where it has
none. Half a plate, its other half hidden or its other row too small yet, is read with confidence and says nothing of
the rest."""
REPEATS = 0.6
"""So many reads to the power of this count as independent ones: frames of one passage repeat their errors.
On the reads of `benchmarks/passages.py` (seed 2), 0.3 to 1 give the same texts; with 0.6, 92 % of those above 0.9 are
right."""

Place = tuple[int, int]
"""Where a character stands: at or behind which one of the leading text (from -1), and the how-manieth behind it."""


class Fused(NamedTuple):
    """What many reads say together."""

    text: str
    confidences: tuple[float, ...]
    """One for each character, 0..1."""
    said: tuple[float, ...]
    """What the reader said of each character, 0..1, in the mean of those reads that have it: for repair by formats, as
    a look-alike taken for another in one frame is mostly taken for it in all of them."""
    confidence: float
    """That the whole text is right, 0..1; also that no character is missing."""


class _Votes:
    """All reads of one text: for each character the sums of its logarithms, weighted."""

    __slots__ = ("against", "count", "pro", "weight")

    def __init__(self, length: int) -> None:
        self.weight = 0.0
        self.count = 0
        self.pro = [0.0] * length
        self.against = [0.0] * length


class Fusion:
    """Gathers the reads of one plate; its size does not grow with their number."""

    def __init__(self) -> None:
        self._votes: dict[str, _Votes] = {}
        self._heaviest = 0.0

    def add(self, text: str, confidences: Sequence[float], weight: float = 1.0) -> None:
        """Count one read. `weight` (above 0) says how well the plate was to be seen, compared with other reads."""
        if not text:
            return
        if len(confidences) != len(text):
            raise ValueError(f"{len(confidences)} confidences for {len(text)} characters")
        if text not in self._votes and len(self._votes) >= MOST_TEXTS:
            del self._votes[min(self._votes, key=lambda each: self._votes[each].weight)]
        votes = self._votes.setdefault(text, _Votes(len(text)))
        votes.weight += weight
        votes.count += 1
        self._heaviest = max(self._heaviest, weight)
        for at, each in enumerate(confidences):
            sure = min(max(each, LEAST), MOST)
            votes.pro[at] += weight * log(sure)
            votes.against[at] += weight * log(1 - sure)

    def count(self, text: str) -> int:
        """How many reads said just that."""
        return self._votes[text].count if text in self._votes else 0

    def texts(self) -> list[tuple[str, int]]:
        """The different texts and how often each was read, the weightiest first."""
        ranked = sorted(self._votes.items(), key=lambda each: -each[1].weight)
        return [(text, votes.count) for text, votes in ranked]

    def is_part(self, text: str) -> bool:
        """Whether other reads said that text and more before or behind it, so that it may be half a plate."""
        return any(text in other and len(other) >= len(text) + FEWER for other in self._votes)

    def fused(self) -> Fused:
        """The text that all reads together make the likeliest; empty if there was none.

        Each read speaks for its own characters with the confidence of its reader and shares what is left among the
        others, look-alikes first. One read alone keeps its text and its confidences.
        """
        if not self._votes:
            return Fused("", (), (), 0.0)
        leading = max(self._votes, key=lambda each: self._votes[each].weight + sum(self._votes[each].pro) / len(each))
        columns: dict[Place, dict[str, int]] = {}
        for text in self._votes:
            for place, index in _places(leading, text):
                columns.setdefault(place, {})[text] = index
        total = sum(votes.weight for votes in self._votes.values()) / self._heaviest
        factor = total ** (REPEATS - 1) / self._heaviest if total > 1 else 1 / self._heaviest
        decided = [self._decided(columns[place], factor) for place in sorted(columns)]
        kept = [each for each in decided if each[0]]  # Nothing, where wild texts have nothing in common.
        return Fused(
            "".join(character for character, _, _ in kept),
            tuple(sure for _, sure, _ in kept),
            tuple(mean for _, _, mean in kept),
            prod(sure for _, sure, _ in decided) if kept else 0.0,
        )

    def _decided(self, column: dict[str, int], factor: float) -> tuple[str, float, float]:
        """The likeliest character of one place, empty for none, how sure that is, and what its reads said of it."""
        said: dict[str, tuple[float, float, float]] = {}
        for text, votes in self._votes.items():
            at = column.get(text)
            character, mine = ("", self._absent(text)) if at is None else (text[at], _at(votes, at))
            before = said.get(character, (0.0, 0.0, 0.0))
            said[character] = (before[0] + mine[0], before[1] + mine[1], before[2] + mine[2])
        scores = {
            each: factor
            * sum(
                pro if each == other else against + weight * log(_share(each, other))
                for other, (pro, against, weight) in said.items()
            )
            for each in said
        }
        nobody = factor * sum(against for _, against, _ in said.values())
        best = max(scores, key=lambda each: scores[each])
        top = scores[best]
        mean = exp(said[best][0] / said[best][2])
        return best, 1 / sum(exp(min(each - top, 50.0)) for each in (*scores.values(), nobody)), mean

    def _absent(self, text: str) -> tuple[float, float, float]:
        """What the reads of a text say of a place where they have nothing."""
        weight = self._votes[text].weight * (PART if self.is_part(text) else 1.0)
        return weight * log(ABSENT), weight * log(1 - ABSENT), weight


def _at(votes: _Votes, at: int) -> tuple[float, float, float]:
    return votes.pro[at], votes.against[at], votes.weight


def _share(one: str, other: str) -> float:
    """How much of a reader's doubt in `other` speaks for `one`."""
    if not one or not other:
        return 0.1
    return 0.02 + 0.5 * (1 - alike(one, other)) ** 2


def _places(leading: str, text: str) -> Iterable[tuple[Place, int]]:
    """Where the characters of a text stand, measured by the leading one."""
    at, behind = -1, 0
    for theirs, mine in align(leading, text):
        at, behind = (theirs, 0) if theirs is not None else (at, behind + 1)
        if mine is not None:
            yield (at, behind), mine
