"""What stands in for a plate's text in an index: keyed hashes, of no use to whoever lacks the key.

Each day has a key of its own, so tokens of different days cannot be compared. What those of one day tell without the
key stands in docs/store.md: which reads had the same text, and roughly how alike texts are.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

from flowalpr.plates import Nearby, normal

ALIKE = 0.4
"""Characters that can be taken for one another at this cost (`plates.alike`), step by step, are of one class."""
LONGEST = 24
"""Characters of a text that has a signature of its own."""
BITS = 63
"""Of a signature: what an integer column holds without its sign."""
ALL = (1 << BITS) - 1
"""The signature of longer texts: any pattern may fit."""
MOST_FEATURES = 50_000
"""Features whose bit is remembered, some 5 MB."""

_classes: Nearby[None] = Nearby(ALIKE)


def indexed(text: str) -> str:
    """A text as searches see it: in normal form (`plates.normal`), or as it is if nothing is left of it there."""
    return normal(text) or text


def classes(text: str) -> str:
    """A text with every character as the first of those that look like it: O0 and 0Q give the same."""
    return _classes.key(text)


class Tokens:
    """The tokens of one day."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._bits: dict[str, int] = {}

    def exact(self, text: str) -> int:
        """The same for the same text, 63 bits."""
        return self._hash(b"exact", text)

    def alike(self, text: str) -> int:
        """The same for all texts that differ by look-alikes only, 63 bits."""
        return self._hash(b"alike", classes(text))

    def signature(self, text: str) -> int:
        """One bit of 63 for each feature of the text: characters at their places, pairs and triples, its length."""
        if len(text) > LONGEST:
            return ALL
        signature = 0
        bits = self._bits
        for feature in _features(classes(text)):
            signature |= bits.get(feature) or self._bit(feature)
        return signature

    def mask(self, pattern: str) -> int:
        """The bits that every text has which fits the pattern (`?` one character, `*` any number)."""
        mask = 0
        for feature in _sure_features(classes(pattern)):
            mask |= self._bit(feature)
        return mask

    def _bit(self, feature: str) -> int:
        if len(self._bits) > MOST_FEATURES:
            self._bits.clear()
        self._bits[feature] = bit = 1 << self._hash(b"part", feature) % BITS
        return bit

    def _hash(self, purpose: bytes, text: str) -> int:
        token = blake2b(text.encode("utf-8", "backslashreplace"), digest_size=8, key=self._key, person=purpose)
        return int.from_bytes(token.digest(), "big") >> 1


def _features(text: str) -> Iterator[str]:
    length = len(text)
    yield f"#{length}"
    for place, character in enumerate(text):
        yield f"^{place}{character}"
        yield f"${length - place}{character}"
    for place in range(length - 1):
        yield text[place : place + 2]
    for place in range(length - 2):
        yield text[place : place + 3]


def _sure_features(pattern: str) -> Iterator[str]:
    """The features that every text has which fits the pattern."""
    parts = pattern.split("*")
    if len(parts) == 1:
        yield f"#{len(pattern)}"
    yield from (f"^{place}{each}" for place, each in enumerate(parts[0]) if each != "?")
    yield from (f"${len(parts[-1]) - place}{each}" for place, each in enumerate(parts[-1]) if each != "?")
    for part in parts:
        runs = (part[start : start + size] for size in (2, 3) for start in range(len(part) - size + 1))
        yield from (run for run in runs if "?" not in run)
