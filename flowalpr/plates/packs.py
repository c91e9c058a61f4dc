"""Country packs: what plates of a country look like, read from one small text file each.

**How to add a country** (no code is needed):

1. Write `flowalpr/plates/countries/<CODE>.ini`, where `<CODE>` is the country's ISO 3166-1 alpha-2 code::

    [country]
    name = Atlantis
    source = Atlantis Road Act 2021, section 4; Wikipedia "Vehicle registration plates of Atlantis", 2026-11
    refuses = AB 12 CDE, IA 123

    [sets]
    letter = A-H J-N P-Z
    city = A B KN

    [cars]
    patterns =
        <city> D3 <letter>2
        <city> (T) D1-4
    matches = KN 123 AB, B T 17

2. Run `pytest tests/plates`: it reads every pack, and a mistake is named with its file and line.

A pattern is read from left to right; blanks and dashes in it are for the eye only.

- `L` is a letter A to Z, `D` a digit; a set named `L` or `D` gives them another meaning in this file.
- `<name>` is one of the set of that name. A set is written as words with blanks between; `A-F` is a range.
- `(T)` or `(KA|KL)` is one of what stands there.
- A number repeats what stands before it: `D3` is `D D D`, `D1-4` one to four digits; `?` means it may be missing.

Every other section is a format of that country; the likelier come first. `matches` are plates which fit it, and
`refuses` texts which fit no format of the country. Texts are not repaired towards a format with `repair = no`:
write it for formats so loose that nearly anything fits (old series, personal plates).

An operator's own packs go into a folder which the node `format` takes as `extra`. A plugin that brings packs calls
`flowalpr.plates.add_folder(Path(__file__).parent / "countries")` in its module. Either replaces a pack of the same
code. The file is not YAML because plate texts are not safe there: 12E34 and 0815 are numbers, NO is false.
"""

from __future__ import annotations

import configparser
import re
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from pathlib import Path

from flowalpr.plates.alphabet import DIGITS, LETTERS, normal, shape

MOST_LAYOUTS = 2000
"""A pattern that can be laid out in more ways (lengths, kinds of characters) is refused: it would say nothing."""

_TOKEN = re.compile(r"(?:(?P<name>[LD])|<(?P<set>[^<>]+)>|\((?P<words>[^()]+)\))(?P<count>\?|\d(?:-\d)?)?")
_COUNTRY_KEYS = {"name", "source", "refuses"}
_FORMAT_KEYS = {"patterns", "matches", "repair"}


class PackError(ValueError):
    """What is wrong with a country pack, with its file and line."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Part of a layout, from `start` to `end` (exclusive): the text there is one of `allowed`."""

    start: int
    end: int
    allowed: frozenset[str]


Layout = tuple[Segment, ...]
"""One way to lay out a pattern: its segments from the first character to the last, without gaps."""


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of plate of one country: `GB`, `since 2001`."""

    country: str
    """ISO 3166-1 alpha-2 code."""
    name: str
    patterns: tuple[str, ...]
    matches: tuple[str, ...]
    """Plates that fit, as they are written on the plate."""
    repairs: bool
    """Whether a text may be repaired towards it."""
    layouts: tuple[tuple[str, Layout], ...] = field(repr=False)
    """Every layout under each of its shapes."""

    def __str__(self) -> str:
        return f"{self.country} {self.name}: {' or '.join(self.patterns)}"

    def fits(self, text: str) -> bool:
        """Whether a text in normal form is such a plate."""
        seen = shape(text)
        return any(seen == each and all(text[s.start : s.end] in s.allowed for s in way) for each, way in self.layouts)


@dataclass(frozen=True, slots=True)
class Pack:
    """What plates of one country look like, the likelier formats first."""

    code: str
    name: str
    source: str
    """Law, standard or article that the facts were taken from."""
    formats: tuple[Format, ...]


def read_pack(path: Path) -> Pack:
    """The pack in a file, whose name is the country's code; its own examples have been tried.

    Raises:
        PackError: if the file cannot be read, says something unknown, or an example does not do what it should.
    """
    return _Reader(path).pack()


class _Reader:
    """Reads one file and knows where in it things stand."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parser = configparser.ConfigParser(interpolation=None, delimiters=("=",), comment_prefixes=("#",))
        self._parser.optionxform = str  # type: ignore[method-assign,assignment]  # So the library's manual says.
        try:
            self._text = path.read_text(encoding="utf-8")
            self._parser.read_string(self._text, source=str(path))
        except (OSError, UnicodeDecodeError, configparser.Error) as error:
            raise PackError(f"the country pack {path} cannot be read: {error}") from error
        self._sets = {"L": frozenset(LETTERS), "D": frozenset(DIGITS)}

    def pack(self) -> Pack:
        if not re.fullmatch(r"[A-Z]{2}", self._path.stem):
            raise PackError(f"{self._path}: a pack's file is named by an ISO 3166-1 alpha-2 code, such as GB.ini")
        about = self._section("country", _COUNTRY_KEYS, needed={"name", "source"})
        for name in self._parser["sets"] if self._parser.has_section("sets") else ():
            self._sets[name] = self._words("sets", name, self._parser["sets"][name].split())
        names = [each for each in self._parser.sections() if each not in ("country", "sets")]
        formats = tuple(self._format(each) for each in names)
        if not formats:
            raise PackError(f"{self._path}: a pack needs at least one format: a section with patterns and matches")
        for text in _listed(about.get("refuses", "")):
            for each in formats:
                if each.fits(normal(text)):
                    raise self._error("country", "refuses", f"'{text}' should fit nothing, but it fits {each}")
        return Pack(self._path.stem, about["name"], about["source"], formats)

    def _format(self, name: str) -> Format:
        told = self._section(name, _FORMAT_KEYS, needed={"patterns", "matches"})
        if told.get("repair", "yes") not in ("yes", "no"):
            raise self._error(name, "repair", "write yes or no")
        patterns = tuple(line.strip() for line in told["patterns"].splitlines() if line.strip())
        layouts = tuple(each for pattern in patterns for each in self._layouts(name, pattern))
        examples = _listed(told["matches"])
        repairs = told.get("repair", "yes") == "yes"
        made = Format(self._path.stem, name, patterns, examples, repairs, layouts)
        for text in examples:
            if not made.fits(normal(text)):
                raise self._error(name, "matches", f"'{text}' does not fit {made}")
        return made

    def _section(self, name: str, known: set[str], needed: set[str]) -> dict[str, str]:
        told = dict(self._parser[name]) if self._parser.has_section(name) else {}
        for key in told.keys() - known:
            raise self._error(name, key, f"unknown; a section like this may have {', '.join(sorted(known))}")
        for key in sorted(needed):
            if not told.get(key, "").strip():
                raise self._error(name, "", f"needs `{key} = ...`")
        return told

    def _layouts(self, section: str, pattern: str) -> list[tuple[str, Layout]]:
        """Every way to lay out a pattern, under each shape that a text laid out so may have."""
        parts: list[list[tuple[frozenset[str], ...]]] = []
        position = 0
        squeezed = re.sub(r"\s+|-(?!\d)", "", pattern)
        while position < len(squeezed):
            token = _TOKEN.match(squeezed, position)
            if token is None:
                raise self._error(section, "patterns", f"'{squeezed[position:]}' in '{pattern}' is not understood")
            parts.append(self._choices(section, token))
            position = token.end()
        found: list[tuple[str, Layout]] = []
        for chosen in product(*parts):
            words = [each for group in chosen for each in group]
            shapes = [_shapes(each) for each in words]
            segments = _placed(words)
            for pieces in product(*shapes):
                found.append(("".join(pieces), segments))
                if len(found) > MOST_LAYOUTS:
                    raise self._error(section, "patterns", f"'{pattern}' can mean too much; write several patterns")
        return found

    def _choices(self, section: str, token: re.Match[str]) -> list[tuple[frozenset[str], ...]]:
        """What may stand for a token: for each number of repetitions and length of word its sets, in order."""
        if token["words"]:
            allowed = self._words(section, "patterns", token["words"].split("|"))
        elif (token["name"] or token["set"]) in self._sets:
            allowed = self._sets[token["name"] or token["set"]]
        else:
            raise self._error(section, "patterns", f"there is no set '{token['set']}'; name it under [sets]")
        least, _, most = ("0-1" if token["count"] == "?" else token["count"] or "1").partition("-")
        counts = range(int(least), int(most or least) + 1)
        return [way for count in counts for way in product(_by_length(allowed), repeat=count)]

    def _words(self, section: str, key: str, told: list[str]) -> frozenset[str]:
        words: set[str] = set()
        for each in told:
            ends = re.fullmatch(r"(\w)-(\w)", each)
            words |= {chr(code) for code in range(ord(ends[1]), ord(ends[2]) + 1)} if ends else {each}
        if not words or any(normal(each) != each for each in words):
            raise self._error(section, key, "write capital letters and digits with blanks between, or ranges (A-F)")
        return frozenset(words)

    def _error(self, section: str, key: str, what: str) -> PackError:
        lines = self._text.splitlines()
        start = next((i for i, line in enumerate(lines) if line.strip() == f"[{section}]"), 0)
        wanted = re.compile(rf"\s*{re.escape(key)}\s*=")
        line = next((i for i in range(start, len(lines)) if key and wanted.match(lines[i])), start)
        where = f"{section}, {key}" if key else section
        return PackError(f"{self._path}:{line + 1}  {where}: {what}")


# A pack asks for the same few sets thousands of times, and reading all packs is a part of each start.
@lru_cache(maxsize=1024)
def _shapes(words: frozenset[str]) -> tuple[str, ...]:
    """The shapes that words have, in order."""
    return tuple(sorted({shape(word) for word in words}))


@lru_cache(maxsize=1024)
def _by_length(words: frozenset[str]) -> tuple[frozenset[str], ...]:
    """The same words, those of one length together, the shortest first."""
    lengths = sorted({len(word) for word in words})
    return tuple(frozenset(word for word in words if len(word) == each) for each in lengths)


def _placed(words: list[frozenset[str]]) -> Layout:
    """Segments one after the other; the words of one set are equally long."""
    placed: list[Segment] = []
    for each in words:
        start = placed[-1].end if placed else 0
        placed.append(Segment(start, start + len(next(iter(each))), each))
    return tuple(placed)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in text.split(",") if each.strip())
