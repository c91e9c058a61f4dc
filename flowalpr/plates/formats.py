"""Which country's format a plate text fits, and what it must have said if it fits none: repair by position."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path

from flowalpr.plates.alphabet import ALIKE, shape
from flowalpr.plates.packs import Format, Layout, Pack, PackError, Segment, read_pack

# The limits of repair were set on what PP-OCRv6 (small) reads on the 1,627 one-line plates of open-lpr-dataset's
# training part (1,503 with a pack). With a plate's own country wanted, 108 of 158 repairs give the right text and none
# spoils one. Beyond the limits: of 19 repairs with a pair less alike one was right, of 9 in shorter texts none. The
# doubt that a change needs costs 7 right repairs and saves foreign plates: with 15 European countries wanted and only
# others' plates shown, 17 of 739 right reads are spoilt, without it 72.
MOST_CHANGES = 2
"""A repair changes at most so many characters."""
SHORTEST = 5
"""A shorter text is mostly a part of a plate; it is not repaired."""
DEAREST_PAIR = 0.3
"""Characters less alike than this are never taken for one another: what fits then fits by chance."""
DEAREST_CHANGE = 0.195
"""Likeness times the reader's confidence is at most this: a 5 becomes an S only if the reader had a doubt (0.975)."""
CLEARLY_CHEAPER = 1.5
"""A repair is made only if every other one costs at least so many times as much; else it would be a guess."""
LEAST_CONFIDENCE = 0.1
"""A character is believed at least so much, or all repairs of hopeless characters would cost the same."""
UNKNOWN_CONFIDENCE = 0.9
"""What the reader's confidence is taken for where it says none."""

_FOLDERS = [Path(__file__).with_name("countries")]


@dataclass(frozen=True, slots=True)
class Change:
    """One character taken for another; positions count from 1."""

    position: int
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.position}: {self.before} -> {self.after}"


@dataclass(frozen=True, slots=True)
class Repaired:
    """A text and what was done to it, which is mostly nothing."""

    text: str
    fits: bool
    """Whether the text fits a wanted format."""
    format: Format | None
    """The preferred of the formats that it fits; None if it fits none, or those of several countries alike."""
    changes: tuple[Change, ...] = ()


def add_folder(folder: Path) -> None:
    """Let country packs be found in another folder too, before all others: for plugins, when they are imported."""
    if folder not in _FOLDERS:
        _FOLDERS.insert(0, folder)


def countries(extra: Path | None = None) -> dict[str, Path]:
    """The file of every country that has a pack, by code; nothing is read yet."""
    folders = [*reversed(_FOLDERS), *([extra] if extra else [])]
    found = {path.stem: path for folder in folders for path in sorted(folder.glob("*.ini"))}
    return dict(sorted(found.items()))


def load(wanted: tuple[str, ...] = (), extra: Path | None = None) -> Formats:
    """The formats of the countries with these codes, or of all, read from their files: 1 ms a country.

    Raises:
        PackError: if a country has no pack, or a pack is wrong.
    """
    known = countries(extra)
    for code in wanted:
        if code not in known:
            raise PackError(f"there is no country pack '{code}'; there are {', '.join(known)}")
    return Formats([read_pack(known[code]) for code in wanted or known], ordered=bool(wanted))


class Formats:
    """The formats of some countries, indexed for speed. Give it texts in normal form (`alphabet.normal`).

    If the countries were chosen (`ordered`), the earlier is preferred where a text fits several. Otherwise a text's
    country is told only if one country alone has such plates.
    """

    def __init__(self, packs: Sequence[Pack], *, ordered: bool = True) -> None:
        self.packs = tuple(packs)
        self.ordered = ordered
        self._by_shape: dict[str, list[tuple[Format, Layout, Layout]]] = {}
        for each in (each for pack in packs for each in pack.formats):
            for seen, way in each.layouts:
                self._by_shape.setdefault(seen, []).append((each, way, _telling(seen, way)))

    def fits(self, text: str) -> tuple[Format, ...]:
        """All formats that a text fits, the preferred first."""
        found: list[Format] = []
        for each, _, telling in self._by_shape.get(shape(text), ()):
            if each not in found[-1:] and all(text[s.start : s.end] in s.allowed for s in telling):
                found.append(each)
        return tuple(found)

    def match(self, text: str) -> Format | None:
        """The format of a text: of the most preferred country, or else of the only one; None if there is none."""
        return self._preferred(self.fits(text))

    def repair(self, text: str, confidences: Sequence[float] = ()) -> Repaired:
        """A text with look-alikes put right where its position asks for it: an O among the digits is a 0.

        A text that fits is left alone. Otherwise the cheapest change that makes it fit is made, within the limits
        above and if it is clearly the cheapest: a changed character costs what `alphabet.alike` says, times the
        reader's confidence in it (0..1, one for each character; not heeded if their number differs).
        """
        found = self.fits(text)
        if found or len(text) < SHORTEST:
            return Repaired(text, bool(found), self._preferred(found))
        known = confidences if len(confidences) == len(text) else [UNKNOWN_CONFIDENCE] * len(text)
        best = self._best(text, [max(LEAST_CONFIDENCE, each) for each in known])
        if best is None:
            return Repaired(text, False, None)
        pairs = enumerate(zip(text, best, strict=True), 1)
        changes = tuple(Change(at, *pair) for at, pair in pairs if pair[0] != pair[1])
        return Repaired(best, True, self.match(best), changes)

    def _preferred(self, found: tuple[Format, ...]) -> Format | None:
        if not found or (not self.ordered and any(each.country != found[0].country for each in found)):
            return None
        return found[0]

    def _best(self, text: str, weights: list[float]) -> str | None:
        """The one repair that is clearly the cheapest, if there is any."""
        found: dict[str, float] = {}
        for seen in _reachable(text):
            for each, way, _ in self._by_shape.get(seen, ()):
                if each.repairs:
                    for cost, fitting in _fitted(text, weights, way):
                        found[fitting] = min(cost, found.get(fitting, cost))
        ranked = sorted((cost, fitting) for fitting, cost in found.items())
        if not ranked or (len(ranked) > 1 and ranked[1][0] < CLEARLY_CHEAPER * ranked[0][0]):
            return None
        return ranked[0][1]


_FULL = {"L": frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), "D": frozenset("0123456789")}


def _telling(seen: str, way: Layout) -> Layout:
    """The segments of a layout that are still to be checked in a text of that shape."""
    return tuple(s for s in way if not (seen[s.start : s.end] in _FULL and s.allowed >= _FULL[seen[s.start : s.end]]))


# For each character those that a repair may put in its place, with their prices, and their class if it is another.
_OTHERS = {each: [(o, price) for o, price in pairs.items() if price <= DEAREST_PAIR] for each, pairs in ALIKE.items()}
_FLIPS = {each: "".join({shape(other) for other, _ in pairs} - {shape(each)}) for each, pairs in _OTHERS.items()}


def _reachable(text: str) -> Iterator[str]:
    """The shapes that a text may have after at most `MOST_CHANGES` changes."""
    own = shape(text)
    places = [at for at, each in enumerate(text) if _FLIPS.get(each)]
    for count in range(min(MOST_CHANGES, len(places)) + 1):
        for chosen in combinations(places, count):
            flipped = list(own)
            for at in chosen:
                flipped[at] = _FLIPS[text[at]]  # Look-alikes are letters and digits, so there is one other class.
            yield "".join(flipped)


def _fitted(text: str, weights: list[float], way: Layout) -> Iterator[tuple[float, str]]:
    """The texts of that layout within `MOST_CHANGES` changes, each with its cost."""
    wrong: list[tuple[Segment, list[tuple[float, int, str]]]] = []
    for segment in way:
        if text[segment.start : segment.end] not in segment.allowed:
            options = _variants(text, weights, segment)
            if not options or len(wrong) == MOST_CHANGES:
                return
            wrong.append((segment, options))
    for chosen in product(*(options for _, options in wrong)):
        if sum(changes for _, changes, _ in chosen) <= MOST_CHANGES:
            fitting = text
            for (segment, _), (_, _, word) in zip(wrong, chosen, strict=True):
                fitting = fitting[: segment.start] + word + fitting[segment.end :]
            yield sum(cost for cost, _, _ in chosen), fitting


def _variants(text: str, weights: list[float], segment: Segment) -> list[tuple[float, int, str]]:
    """The words of a segment within `MOST_CHANGES` look-alikes of the text there: cost, number of changes, word."""
    found = [(0.0, 0, "")]
    for at in range(segment.start, segment.end):
        mine = text[at]
        longer = [(cost, changes, word + mine) for cost, changes, word in found]
        longer += [
            (cost + price * weights[at], changes + 1, word + other)
            for cost, changes, word in found
            if changes < MOST_CHANGES
            for other, price in _OTHERS.get(mine, ())
            if price * weights[at] <= DEAREST_CHANGE
        ]
        found = longer
    return [each for each in found if each[2] in segment.allowed]
