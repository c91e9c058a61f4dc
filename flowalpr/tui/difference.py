"""Sends a terminal only the cells that changed: over a thin line every byte is waited for.

Textual repaints a widget's line from its left edge to the last change; one figure at the right of an 80 column table
costs the whole line, several hundred bytes with its colours. So what the terminal shows is remembered here, and an
update is cut down to the runs of cells that differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate  # Nothing public tells a line from a line.
from textual.strip import Strip

Cell = tuple[str, Style]
"""What stands in one column; the second column of a wide character holds an empty text."""
BRIDGE = 5
"""Cells that stayed the same are sent again if they are fewer: to jump over them costs six to eight bytes."""
PLAIN = Style()


class Shown:
    """What the terminal shows, as far as is known."""

    def __init__(self) -> None:
        self._lines: dict[int, list[Cell | None]] = {}

    def forget(self) -> None:
        """The terminal may show anything now: after a change of size, or when another program wrote to it."""
        self._lines.clear()

    def changes(self, y: int, x: int, strip: Strip) -> Iterator[tuple[int, Strip]]:
        """The parts of a strip to be shown at x, y that the terminal does not show yet, each with its column."""
        line = self._lines.setdefault(y, [])
        cells = _cells(strip)
        line.extend([None] * (x + len(cells) - len(line)))
        differ = [at for at, cell in enumerate(cells) if line[x + at] != cell]
        line[x : x + len(cells)] = cells
        for first, last in _runs(differ):
            while first and not cells[first][0]:
                first -= 1  # Half a wide character cannot be sent.
            yield x + first, _strip(cells[first : last + 1])


class Difference(CompositorUpdate):
    """An update of the screen without what the terminal shows already."""

    def __init__(self, update: CompositorUpdate, shown: Shown) -> None:
        self._update = update
        self._shown = shown

    def render_segments(self, console: Console) -> str:
        """What to send to the terminal."""
        parts = []
        for y, x, strip in _placed(self._update):
            for column, changed in self._shown.changes(y, x, strip):
                parts.append(f"\x1b[{y + 1};{column + 1}H{changed.render(console)}")
        return "".join(parts)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from ()  # Nobody but a terminal shows it.


def _placed(update: CompositorUpdate) -> Iterator[tuple[int, int, Strip]]:
    """The strips of an update with their line and column."""
    if isinstance(update, LayoutUpdate):
        for y, strips in enumerate(update.strips, update.region.y):
            x = update.region.x
            for strip in strips:
                yield y, x, strip
                x += strip.cell_length
    elif isinstance(update, ChopsUpdate):
        for y in dict.fromkeys(y for y, _, _ in update.spans):
            for x, chop in update.chops[y].items():
                if chop is not None:
                    yield y, x, chop


def _cells(strip: Strip) -> list[Cell]:
    cells: list[Cell] = []
    for text, style, control in strip:
        look = style or PLAIN
        if control or text.isascii():
            cells += [] if control else [(character, look) for character in text]
            continue
        for character in text:
            width = cell_len(character)
            if width:
                cells += [(character, look), ("", look)][:width]
            elif cells:  # An accent on its own belongs to the character before it.
                cells[-1] = (cells[-1][0] + character, cells[-1][1])
    return cells


def _runs(columns: Iterable[int]) -> Iterator[tuple[int, int]]:
    """First and last of each run of columns, runs with short gaps taken together."""
    first = last = -1
    for column in columns:
        if first >= 0 and column - last > BRIDGE:
            yield first, last
            first = column
        first = column if first < 0 else first
        last = column
    if first >= 0:
        yield first, last


def _strip(cells: Iterable[Cell]) -> Strip:
    """Cells as a strip of few segments."""
    segments: list[Segment] = []
    text, style = "", PLAIN
    for character, own in cells:
        if own is not style and own != style:
            if text:
                segments.append(Segment(text, style))
            text, style = "", own
        text += character
    segments.append(Segment(text, style))
    return Strip(segments)
