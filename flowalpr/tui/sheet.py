"""What a page is made of before it has colours and a place: lines of pieces, and tables of fixed columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len, set_cell_size

from flowalpr.tui.words import printable, shortened

Piece = tuple[str, str]
"""A text and its tone, one of `palette.TONES`; an empty tone is plain text."""
Line = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a page; one with a key can be chosen."""

    line: Line
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page: a head that stays, and rows that scroll."""

    rows: tuple[Row, ...] = ()
    head: tuple[Line, ...] = ()
    boxes: dict[str, tuple[int, int, int, int]] = field(default_factory=dict)
    """Where things of a drawing stand that can be chosen: left, top, width and height in cells of the rows."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    title: str
    width: int
    right: bool = False
    """Whether it is set to the right, as figures are."""
    spare: int = 0
    """Columns are left out where the page is too narrow, the highest `spare` first; 0 always stays."""
    grows: int = 0
    """Its share of the room that is left."""


def table(columns: Sequence[Column], rows: Iterable[tuple[str, Sequence[Piece | str]]], width: int) -> Sheet:
    """A table with a head; each row is its key and a cell for each column."""
    kept = _kept(columns, width)
    widths = _widths([columns[index] for index in kept], width)
    fitted = list(zip(kept, widths, strict=True))
    head: Line = tuple(_cell(columns[index], columns[index].title, "head", wide) for index, wide in fitted)
    body = []
    for key, cells in rows:
        line: list[Piece] = []
        for index, wide in fitted:
            cell = cells[index]
            text, tone = (cell, "") if isinstance(cell, str) else cell
            line.append(_cell(columns[index], text, tone, wide))
        body.append(Row(tuple(line), key))
    return Sheet(tuple(body), (head,))


def fit(text: str, width: int) -> str:
    """A text on one line of exactly that many cells."""
    clean = printable(text)
    if clean.isascii():
        return shortened(clean, width).ljust(width)
    return set_cell_size(clean if cell_len(clean) <= width else shortened(clean, width), width)


def prose(*pieces: Piece | str) -> Row:
    """A line that cannot be chosen."""
    return Row(tuple((each, "") if isinstance(each, str) else each for each in pieces))


def facts(pairs: Iterable[tuple[str, Piece | str]], width: int = 15) -> list[Row]:
    """Lines of a name and what is so named."""
    return [prose((f" {name:<{width}}", "dim"), value) for name, value in pairs]


def title(text: str, width: int) -> Row:
    """A heading with a rule to the right edge."""
    return prose((f" {text} ", "head"), ("─" * max(0, width - len(text) - 3), "wire"))


def wrapped(text: str, width: int, tone: str = "", indent: int = 1) -> list[Row]:
    """A long text on as many lines as it takes."""
    room = max(8, width - indent - 1)
    rows: list[Row] = []
    for paragraph in text.splitlines() or [""]:
        clean = printable(paragraph.expandtabs(4))
        pieces = [clean[start : start + room] for start in range(0, len(clean), room)] or [""]
        rows += [prose((" " * indent + piece, tone)) for piece in pieces]
    return rows


def _kept(columns: Sequence[Column], width: int) -> list[int]:
    kept = list(range(len(columns)))
    while sum(columns[index].width + 1 for index in kept) + 1 > width:
        most = max(kept, key=lambda index: (columns[index].spare, index))
        if not columns[most].spare:
            break
        kept.remove(most)
    return kept


def _widths(columns: Sequence[Column], width: int) -> list[int]:
    widths = [column.width for column in columns]
    left = width - 1 - sum(wide + 1 for wide in widths)
    shares = sum(column.grows for column in columns)
    if left > 0 and shares:
        widths = [wide + left * column.grows // shares for wide, column in zip(widths, columns, strict=True)]
    return widths


def _cell(column: Column, text: str, tone: str, width: int) -> Piece:
    return " " + fit(text.rjust(width) if column.right else text, width), tone
