"""Layouts: small descriptions of how a country's plates look and what is written on them.

A layout is an entry of a file in `layouts/`. Its patterns are written in a small language:

    A  9        any letter of the layout, any digit; every other letter or digit stands for itself
    {word}      one of the words of that name
    blank  - .  a gap, a printed dash, a printed dot; none of them is part of the text
    *           a decoy: a seal, a shield, a flag, a silhouette
    ^           the next two characters are small, one above the other
    <99>        printed small and not part of the text, such as a season or a year
    /           the second row begins
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from flowalpr.errors import Place, Problem
from flowalpr.lab.datasets.sample import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np

T = TypeVar("T")

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
FOLDER = Path(__file__).parent / "layouts"
DRAWN = r"[A-Z0-9ÄÖÜ가-힣一-鿿a-z{}<> \-.*^/]"
"""Characters that patterns and words may have: those of names in braces are small."""
UMLAUTS = str.maketrans("ÄÖÜ", "AOU")
"""Printed on German plates, read without their dots, as most registers and label files write them."""

Kind = Literal["character", "gap", "dash", "dot", "decoy", "stack", "small"]


class Strip(BaseModel):
    """A coloured band at one end of a plate, such as the blue one of the EU."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    width: float = Field(gt=0, lt=0.5)
    """Part of the plate's width."""
    colour: str
    ink: str
    text: str = ""
    """Small letters in it; `99` stands for two digits."""
    chance: float = Field(default=0.9, ge=0, le=1)
    """Part of the plates that have it."""
    graphic: float = Field(default=0.2, ge=0, le=1)
    """Part of the strips with a picture in them."""


class Layout(BaseModel):
    """How one kind of plate looks; colours are written `#rrggbb`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    country: str | None
    """Code of the country, or None if many countries have plates like this."""
    weight: float = Field(gt=0)
    """How often it is drawn beside the others."""
    size: tuple[float, float]
    """Width and height in millimetres."""
    colours: list[tuple[str, str]] = [("#f2f2f0", "#101010"), ("#e8e8e6", "#181818")]
    """Pairs of plate and ink."""
    faces: list[str]
    """Groups of typefaces; one named twice is drawn twice as often."""
    patterns: list[str]
    words: dict[str, str] = {}
    """Words for `{name}` in patterns, separated by blanks."""
    letters: str = LETTERS
    strip: Strip | None = None
    right: Strip | None = None
    top: list[str] = [""]
    """Small lines above the text; an empty one for none."""
    bottom: list[str] = [""]
    """Small lines below the text."""
    band: str | None = None
    """Colour of a band behind the upper line."""
    graphics: float = Field(default=0.0, ge=0, le=1)
    """Part of the plates with a picture behind the text."""
    stickers: float = Field(default=0.1, ge=0, le=1)
    border: float = Field(default=0.5, ge=0, le=1)
    emboss: float = Field(default=0.6, ge=0, le=1)
    frame: float = Field(default=0.3, ge=0, le=1)
    """Part of the plates in a dealer's frame."""
    height: float = Field(default=1.0, gt=0, le=1)
    """Height of the characters beside the usual one."""

    @field_validator("patterns")
    @classmethod
    def _can_be_drawn(cls, patterns: list[str]) -> list[str]:
        return [_drawable(each) for each in patterns]

    @model_validator(mode="after")
    def _words_are_known(self) -> Layout:
        for name in re.findall("{(.*?)}", " ".join(self.patterns)):
            if not self.words.get(name, "").split():
                raise ValueError(f"patterns name {{{name}}}, and `words` has no '{name}'")
        for words in self.words.values():
            _drawable(words)
        return self


class Cell(NamedTuple):
    """One piece of a row of text."""

    kind: Kind
    text: str = ""


class Text(NamedTuple):
    """What is written on a plate."""

    rows: list[list[Cell]]
    text: str
    """The text to be read, without gaps and marks."""


def load_layouts(folder: Path = FOLDER) -> list[Layout]:
    """All layouts of a folder of YAML files.

    Raises:
        DataError: there is no such file, or an entry is wrong.
    """
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise DataError(Problem(f"{folder} holds no layout", "YAML files", f"copy one of {FOLDER} to begin with"))
    return [layout for file in files for layout in _read(file)]


def _read(file: Path) -> Iterator[Layout]:
    text = file.read_text(encoding="utf-8")
    try:
        entries = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise DataError(Problem(f"{file} is not YAML: {error}")) from None
    if not isinstance(entries, list):
        raise DataError(Problem(f"{file} holds no list", "a list of layouts, each `- {name: ..., country: ...}`"))
    for index, entry in enumerate(entries):
        try:
            yield Layout.model_validate(entry)
        except ValidationError as error:
            line = YAML().load(text).lc.item(index)[0] + 1  # This loader knows lines, and takes far longer.
            said = [(".".join(map(str, each["loc"])), each["msg"]) for each in error.errors(include_url=False)]
            what = "; ".join(f"{where}: {why}" if where else why for where, why in said)
            fix = f"the keys are explained in {__file__}"
            raise DataError(Problem(what, fix=fix, place=Place(str(file), line, 1))) from None


def _drawable(text: str) -> str:
    """The text, if there are typefaces or strokes for its characters.

    Raises:
        ValueError: there are not.
    """
    if strange := sorted({each for each in text if not re.match(DRAWN, each)}):
        raise ValueError(f"only Latin capitals, Chinese and Korean characters can be drawn, not {' '.join(strange)}")
    if text.count("{") != text.count("}") or text.count("<") != text.count(">"):
        raise ValueError(f"a bracket is not closed in '{text}'")
    return text


def write(layout: Layout, rng: np.random.Generator) -> Text:
    """A text that such a plate may bear, cut into cells."""
    pattern = pick(layout.patterns, rng)
    rows: list[list[Cell]] = [[]]
    position = 0
    while position < len(pattern):
        sign = pattern[position]
        position += 1
        if sign == "/":
            rows.append([])
        elif sign in "{<":
            end = pattern.index("}" if sign == "{" else ">", position)
            inner = pattern[position:end]
            position = end + 1
            if sign == "{":
                rows[-1] += [Cell("character", c) for c in pick(layout.words[inner].split(), rng)]
            else:
                rows[-1].append(Cell("small", fill(inner, layout.letters, rng)))
        elif sign in MARKS:
            rows[-1].append(Cell(MARKS[sign]))
        else:
            rows[-1].append(Cell("character", fill(sign, layout.letters, rng)))
    rows = [_stacked(row) for row in rows]
    read = "".join(cell.text for row in rows for cell in row if cell.kind in ("character", "stack"))
    return Text(rows, read.translate(UMLAUTS))


MARKS: dict[str, Kind] = {" ": "gap", "-": "dash", ".": "dot", "*": "decoy", "^": "stack"}


def fill(pattern: str, letters: str, rng: np.random.Generator) -> str:
    """The pattern with each A and 9 replaced by a letter and a digit."""
    return "".join(
        pick(letters, rng) if sign == "A" else str(int(rng.integers(10))) if sign == "9" else sign for sign in pattern
    )


def pick(options: Sequence[T], rng: np.random.Generator) -> T:
    """One of the options, all alike."""
    return options[int(rng.random() * len(options))]


def _stacked(row: list[Cell]) -> list[Cell]:
    """The row with the two characters after each stack mark put into it."""
    joined: list[Cell] = []
    cells = iter(row)
    for cell in cells:
        if cell.kind == "stack":
            joined.append(Cell("stack", next(cells).text + next(cells).text))
        else:
            joined.append(cell)
    return joined
