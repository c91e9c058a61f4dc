"""The characters of plates: their normal form, and which of them are taken for one another."""

from __future__ import annotations

import unicodedata

DIGITS = "0123456789"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

UNALIKE = 1.0
"""What it costs to take a character for one that does not look like it."""

# What it costs to take one character of a pair for the other: 0 if they were drawn the same, 1 if nothing is alike.
# The order of the rows is measured: PP-OCRv6 (small) on the 1,824 one-line plates of open-lpr-dataset (7251620) that
# have a text, 345 confusions in reads of the right length with at most two wrong: 1I 75, 0O 80, 6G 21, 5S 19, 8B 19,
# 2Z 12, 0D 9 + OD 14, 0Q 8 + OQ 5, CG 5, 1T 4, IT 3, the others 1 to 5 each. 7T, 4A and 1L were seen once or never
# there, but are drawn alike on plates with serifs or a closed 4. The figures themselves are set by hand.
_PAIRS = (
    (0.1, "0O 1I"),
    (0.2, "2Z 5S 6G 8B"),
    (0.3, "0D 0Q DO OQ"),
    (0.4, "1L 1T 4A 7T CG DQ IL IT"),
    (0.6, "17 38 3B 3J 56 68 EF HM HN HW KX MN MW NW OU PR UV VW VY"),
)
_COSTS = {pair: cost for cost, pairs in _PAIRS for each in pairs.split() for pair in (each, each[::-1])}

ALIKE: dict[str, dict[str, float]] = {}
"""For each character those that look like it, the likest first, each with the cost of taking one for the other."""
for _pair, _cost in _COSTS.items():
    ALIKE.setdefault(_pair[0], {})[_pair[1]] = _cost

# Cyrillic and Greek plates use those capitals which have a Latin twin, so that foreigners can read them (Vienna
# Convention on Road Traffic, 1968, annex 2). Readers give either script for the same ink; here it becomes Latin.
_TWINS = str.maketrans("АВЕКМНОРСТУХІЈЅ" + "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEKMHOPCTYXIJS" + "ABEZHIKMNOPTYX")
_KEPT = ("Lu", "Lo", "Nd")


def alike(one: str, other: str) -> float:
    """What it costs to take one character for another, 0 (the same) .. 1 (nothing alike), either way round."""
    return 0.0 if one == other else _COSTS.get(one + other, UNALIKE)


def normal(text: str) -> str:
    """A plate text as flowalpr writes it: capital letters and digits, without blanks, dashes, dots and symbols.

    Wide and circled forms become plain, digits of all scripts 0 to 9, Cyrillic and Greek capitals their Latin twins;
    Ü, 京 and 가 stay. Applying it again changes nothing.
    """
    if text.isascii() and text.isalnum():  # Nearly all are, and lists hold a million.
        return text.upper()
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).upper())
    kept = (each for each in plain if unicodedata.category(each) in _KEPT)
    return "".join(str(unicodedata.digit(each)) if each.isdecimal() else each for each in kept).translate(_TWINS)


class _Classes(dict[int, str]):
    """The class of each character: L for A to Z, D for digits, X for all others."""

    def __missing__(self, key: int) -> str:
        return "X"


_CLASSES = _Classes({**{ord(each): "L" for each in LETTERS}, **{ord(each): "D" for each in DIGITS}})


def shape(text: str) -> str:
    """The classes of a text's characters: `京A12345` is `XLDDDDD`."""
    return text.translate(_CLASSES)
