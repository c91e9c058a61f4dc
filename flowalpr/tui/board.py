"""Shows one page: a head that stays, rows that scroll, and the row that is chosen."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from flowalpr.tui.palette import Palette
from flowalpr.tui.sheet import Line, Sheet
from flowalpr.tui.words import printable

FAR = 1_000_000
"""Rows to the beginning or the end, from wherever one is."""


class Board(ScrollView, can_focus=True):
    """A sheet on the screen. It remembers nothing but which row is chosen and how far it is scrolled."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("left,h", "aside(-1)", show=False),
        Binding("right,l", "aside(1)", show=False),
        Binding("pageup,ctrl+b", "move(-10)", show=False),
        Binding("pagedown,ctrl+f", "move(10)", show=False),
        Binding("home,g", f"move(-{FAR})", show=False),
        Binding("end,G", f"move({FAR})", show=False),
        Binding("enter", "open", show=False),
    ]

    class Opened(Message):
        """Enter was pressed on a row."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    class Moved(Message):
        """Another row was chosen."""

    def __init__(self, palette: Palette, id: str) -> None:  # noqa: A002  # As Textual calls it.
        super().__init__(id=id)
        self.chosen: str | None = None
        self._sheet = Sheet()
        self._palette = palette

    @property
    def is_drawing(self) -> bool:
        """Whether things can be chosen left and right as well."""
        return bool(self._sheet.boxes)

    def show(self, sheet: Sheet, palette: Palette) -> None:
        """Show a sheet; only lines that changed are painted anew. What was chosen stays so, if it is still there."""
        before, old = self._sheet, self.chosen
        self._sheet = sheet
        keys = self._keys()
        if self.chosen not in keys:
            self.chosen = keys[0] if keys else None
        everything = palette is not self._palette or self.chosen != old or len(before.head) != len(sheet.head)
        self._palette = palette
        height = len(sheet.head) + len(sheet.rows)
        width = max((sum(len(text) for text, _ in row.line) for row in sheet.rows), default=0)
        wide = width if sheet.boxes else self.size.width
        if self.virtual_size != Size(wide, height):
            self.virtual_size = Size(wide, height)
            self._reach()
        if everything:
            self.refresh()
            return
        top = int(self.scroll_offset.y)
        for y in range(self.size.height):
            if self._line(before, y, top) != self._line(sheet, y, top):
                self.refresh(Region(0, y, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        """One line of the visible part."""
        head = len(self._sheet.head)
        line = self._line(self._sheet, y, int(self.scroll_offset.y))
        aside = 0 if y < head else int(self.scroll_offset.x)
        row = y - head + int(self.scroll_offset.y)
        is_chosen = (
            y >= head
            and self.chosen is not None
            and row < len(self._sheet.rows)
            and self._sheet.rows[row].key == self.chosen
            and not self._sheet.boxes
        )
        style = self._palette.style
        # The one place that all texts pass: names and errors come from elsewhere, and none is to steer the terminal.
        segments = [Segment(printable(text), style(tone, is_chosen)) for text, tone in line or ()]
        strip = Strip(segments).crop(aside, aside + self.size.width)
        return strip.adjust_cell_length(self.size.width, style("", is_chosen))

    def action_move(self, by: int) -> None:
        """Choose a row further up or down."""
        keys = self._keys()
        if self._sheet.boxes and abs(by) < FAR:
            self._leap(0, by)
            return
        if not keys:  # Nothing to choose: the page scrolls.
            self.scroll_to(y=self.scroll_offset.y + by, animate=False, force=True)
            return
        at = keys.index(self.chosen) if self.chosen in keys else 0
        self._choose(keys[min(max(at + by, 0), len(keys) - 1)])

    def action_aside(self, by: int) -> None:
        """Choose what stands left or right in a drawing."""
        if self._sheet.boxes:
            self._leap(by, 0)

    def action_open(self) -> None:
        """Tell that the chosen row is to be opened."""
        if self.chosen is not None:
            self.post_message(self.Opened(self.chosen))

    def on_click(self, event: events.Click) -> None:
        """A click chooses; one on what is chosen opens it."""
        key = self._at(event.x, event.y)
        if key is None:
            return
        if key == self.chosen:
            self.action_open()
        else:
            self._choose(key)

    def _keys(self) -> list[str]:
        return list(self._sheet.boxes) or [row.key for row in self._sheet.rows if row.key is not None]

    def _at(self, x: int, y: int) -> str | None:
        row = y - len(self._sheet.head) + int(self.scroll_offset.y)
        column = x + int(self.scroll_offset.x)
        for key, (left, top, width, height) in self._sheet.boxes.items():
            if left <= column < left + width and top <= row < top + height:
                return key
        if self._sheet.boxes or not 0 <= row < len(self._sheet.rows) or y < len(self._sheet.head):
            return None
        return self._sheet.rows[row].key

    def _choose(self, key: str) -> None:
        if key == self.chosen:
            return
        self.chosen = key
        self._reach()
        self.refresh()
        self.post_message(self.Moved())

    def _leap(self, across: int, down: int) -> None:
        """Choose the nearest box in a direction; without one in that direction, nothing happens."""
        boxes = self._sheet.boxes
        here = boxes.get(self.chosen or "")
        if here is None:
            return
        near: list[tuple[int, str]] = []
        for key, there in boxes.items():
            right, below = there[0] - here[0], there[1] - here[1]
            along, astray = (right * across, abs(below) * 3) if across else (below * down, abs(right))
            if along > 0 and (across or not abs(right) >= here[2]):
                near.append((along + astray, key))
        if near:
            self._choose(min(near)[1])

    def _reach(self) -> None:
        """Scroll so far that what is chosen can be seen."""
        head, room = len(self._sheet.head), self.size.height
        left, top, width, height = self._place()
        y, x = int(self.scroll_offset.y), int(self.scroll_offset.x)
        if top < y:
            y = top
        elif top + height > y + room - head:
            y = top + height - room + head
        if left < x:
            x = max(0, left - 2)
        elif left + width > x + self.size.width:
            x = left + width - self.size.width + 2
        self.scroll_to(x=x, y=y, animate=False, immediate=True, force=True)

    def _place(self) -> tuple[int, int, int, int]:
        if self._sheet.boxes:
            return self._sheet.boxes.get(self.chosen or "", (0, 0, 0, 0))
        for number, row in enumerate(self._sheet.rows):
            if row.key is not None and row.key == self.chosen:
                # The first row that can be chosen brings what stands above it into view as well.
                return (
                    0,
                    0 if self.chosen == self._keys()[0] else number,
                    0,
                    1 if self.chosen != self._keys()[0] else number + 1,
                )
        return (0, int(self.scroll_offset.y), 0, 0)

    def _line(self, sheet: Sheet, y: int, top: int) -> Line | None:
        if y < len(sheet.head):
            return sheet.head[y]
        row = y - len(sheet.head) + top
        return sheet.rows[row].line if row < len(sheet.rows) else None
