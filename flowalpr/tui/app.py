"""The monitor: what a running flow tells, on a terminal. A client of the flow's door; closing it changes nothing."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterable, Sequence
from time import monotonic
from typing import ClassVar, TextIO

from rich.console import RenderableType
from textual import events
from textual._compositor import CompositorUpdate
from textual.app import App, ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.screen import Screen
from textual.widgets import Input

from flowalpr.tui.ascii import OnlyAscii
from flowalpr.tui.board import Board
from flowalpr.tui.book import BY_NAME, PAGES, bottom, guide, page_of, top
from flowalpr.tui.dialogue import Dialogue
from flowalpr.tui.difference import Difference, Shown
from flowalpr.tui.feed import Feed, Reach
from flowalpr.tui.palette import DARK, PALETTES, TERMINAL, Palette, themes
from flowalpr.tui.seen import Seen, View
from flowalpr.tui.steer import Steering

EVERY = 0.5
"""Seconds between two paintings of figures that changed."""


class Monitor(App[None]):
    """The whole application: three boards, an input line, and a feed."""

    CSS_PATH = "app.tcss"
    TITLE = "flowalpr"
    COMMAND_PALETTE_BINDING = "colon"
    ENABLE_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(number), f"page('{page.name}')", show=False) for number, page in enumerate(PAGES, 1)),
        Binding("tab", "turn(1)", show=False, priority=True),
        Binding("shift+tab", "turn(-1)", show=False, priority=True),
        Binding("escape", "out", show=False),
        Binding("backspace", "out", show=False),
        Binding("space", "hold", show=False),
        Binding("question_mark", "guide", show=False),
        Binding("slash", "filter", show=False),
        Binding("m", "mask", show=False),
        Binding("t", "theme", show=False),
        Binding("v", "view", show=False),
        Binding("p", "steer('pause')", show=False),
        Binding("r", "steer('restart')", show=False),
        Binding("a", "steer('add')", show=False),
        Binding("c", "steer('correct')", show=False),
        Binding("y", "steer('copy')", show=False),
        Binding("s", "steer('search')", show=False),
        Binding("ctrl+l", "repaint", show=False),
        Binding("q", "quit", show=False),
        Binding("ctrl+c", "quit", show=False, priority=True),
    ]

    def __init__(self, reach: Reach, host: str = "", *, only_ascii: bool | None = None) -> None:
        """`reach` finds the flow, again and again; `host` names it until it answers."""
        super().__init__()
        self.seen = Seen()
        self.view = View(host=host)
        self.feed = Feed(reach, self.seen, self.view, self.tell)
        self.steering = Steering(self)
        self.dialogue = Dialogue(self)
        self._shown = Shown()
        self._looks: Palette = TERMINAL if self.console.color_system in (None, "standard") else DARK
        self._chosen: dict[tuple[str, str], str | None] = {}
        self._guide = False
        self._still: Seen | None = None
        self._painted_at = 0.0
        self._is_due = False
        ascii_only = not _speaks_utf8() if only_ascii is None else only_ascii
        self._plain = (OnlyAscii(),) if ascii_only else ()
        for theme in themes():
            self.register_theme(theme)
        self.theme = self._looks.theme

    def compose(self) -> ComposeResult:
        yield Board(self._looks, id="top")
        yield Board(self._looks, id="page")
        line = Input(id="line", select_on_focus=False, compact=True)
        line.cursor_blink = False  # Nothing moves by itself: it would be sent over the line twice a second.
        yield line
        yield Board(self._looks, id="bottom")

    def on_mount(self) -> None:
        for name in ("#top", "#bottom"):
            self.query_one(name, Board).can_focus = False
        self.query_one("#page", Board).focus()
        self.run_worker(self.feed.run(), name="feed", exit_on_error=True)
        self.set_interval(1.0, self.dialogue.fade)
        self.call_after_refresh(self.paint)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Those of Textual, and ours for terminals that know only ASCII."""
        return [*super().get_line_filters(), *self._plain]

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        if isinstance(renderable, CompositorUpdate):
            renderable = Difference(renderable, self._shown)
        super()._display(screen, renderable)

    # What is painted, and when.

    def tell(self) -> None:
        """Something new was told: paint it soon, and not more often than can be read."""
        if self._is_due or self.view.held:
            return
        self._is_due = True
        self.set_timer(max(0.01, self._painted_at + EVERY - monotonic()), self._paint_when_free)

    def _paint_when_free(self) -> None:
        """Paint what was told, unless the line still carries what was painted before: then what comes later is newer.

        So a thin line shows fewer pictures and figures, and a key never waits behind them.
        """
        if _takes_more(sys.__stderr__):
            self.paint()
        else:
            self.set_timer(EVERY / 2, self._paint_when_free)

    def paint(self) -> None:
        """Draw everything from what was seen; only what changed reaches the terminal."""
        self._is_due = False
        self._painted_at = monotonic()
        if not self.is_running or not self.screen_stack:
            return
        boards = [self.screen_stack[0].query_one(f"#{name}", Board) for name in ("top", "page", "bottom")]
        width, height = boards[1].size
        if not width:
            return
        seen = self._still or self.seen
        self.view.chosen = boards[1].chosen  # A key may have moved it, and the board have told nobody yet.
        draw = guide if self._guide else page_of(seen, self.view)
        sheet = draw(seen, self.view, width, height)
        boards[0].show(top(seen, self.view, width), self._looks)
        boards[1].show(sheet, self._looks)
        if self.view.chosen != boards[1].chosen:
            self.view.chosen = boards[1].chosen
            self.feed.turn()
        boards[2].show(bottom(self.view, width, self.dialogue.said()), self._looks)

    # What the user does.

    async def on_event(self, event: events.Event) -> None:
        """Answers to a question come before everything else that keys mean."""
        if isinstance(event, events.Key) and self.dialogue.take(event.key):
            return
        await super().on_event(event)

    def on_resize(self) -> None:
        """A terminal that was resized shows anything, even if it has the size that it had before."""
        self.action_repaint()
        self.call_after_refresh(self.paint)

    def on_board_moved(self) -> None:
        """Another row was chosen; a drawing shows which by its frame."""
        self.paint()
        self.feed.turn()

    def on_board_opened(self, message: Board.Opened) -> None:
        """Into the thing that was chosen."""
        if BY_NAME[self.view.page].detail is None or self.view.subject or self._guide:
            return
        subject = self.steering.subject(message.key)
        if subject:
            self._go(self.view.page, subject)

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """The line is written."""
        self.dialogue.submit(message.value)

    def on_input_changed(self, message: Input.Changed) -> None:
        """Rows are filtered while one writes."""
        if self.dialogue.is_asking(self._filter):
            self._filter(message.value.strip())

    def action_page(self, name: str) -> None:
        """Go to a page."""
        self._go(name, "")

    def action_turn(self, by: int) -> None:
        """Go to the next page, or the one before."""
        names = [page.name for page in PAGES]
        self._go(names[(names.index(self.view.page) + by) % len(names)], "")

    def action_out(self) -> None:
        """Out of whatever one went into last."""
        if self.dialogue.is_open:
            if self.dialogue.is_asking(self._filter):
                self.view.wanted = ""
            self.dialogue.leave()
        elif self._guide:
            self._guide = False
        elif self.view.subject:
            self._go(self.view.page, "")
        elif self.view.past:
            self.view.past, self.seen.past = "", None
        else:
            self.view.wanted = ""
        self.paint()

    def action_hold(self) -> None:
        """Let the screen stand still, or go on."""
        self.view.held = not self.view.held
        self._still = self.seen.still() if self.view.held else None
        self.paint()

    def action_guide(self) -> None:
        """Show the keys, or put them away."""
        self._guide = not self._guide
        self.paint()

    def action_filter(self) -> None:
        """Show only rows that hold some words."""
        self.dialogue.ask("only rows with these words", self.view.wanted, self._filter)

    def action_mask(self) -> None:
        """Show plates in full, or mask them."""
        self.view.plates = not self.view.plates
        self.dialogue.say("plates are shown in full; m masks them" if self.view.plates else "plates are masked")

    def action_theme(self) -> None:
        """Dark, light, or the terminal's own colours."""
        self._looks = PALETTES[(PALETTES.index(self._looks) + 1) % len(PALETTES)]
        self.theme = self._looks.theme
        self.dialogue.say(f"{self._looks.name} colours")

    def action_view(self) -> None:
        """The flow as a drawing or as a list."""
        page = self.query_one("#page", Board)
        self.view.drawn = not page.is_drawing
        self.paint()

    def action_repaint(self) -> None:
        """Paint the whole screen anew."""
        self._shown.forget()
        self.refresh(layout=True)
        self.screen.refresh()

    def action_steer(self, what: str) -> None:
        """Do something with what is chosen."""
        self.steering.do(what)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the command palette offers."""
        for page in PAGES:
            yield SystemCommand(
                f"Page: {page.title}", f"go to {page.title}", lambda name=page.name: self.action_page(name)
            )
        for title, words, action in self.steering.commands():
            yield SystemCommand(title, words, action)
        yield SystemCommand("Plates", "show plates in full, or mask them", self.action_mask)
        yield SystemCommand("Colours", "dark, light, or the terminal's own", self.action_theme)
        yield SystemCommand("View", "the flow as boxes or as a list", self.action_view)
        yield SystemCommand("Hold", "let the screen stand still, or go on", self.action_hold)
        yield SystemCommand("Keys", "what each key does", self.action_guide)
        yield SystemCommand("Quit", "the flow goes on", self.exit)

    def _go(self, page: str, subject: str) -> None:
        view = self.view
        self._chosen[view.page, view.subject] = view.chosen
        self._guide = False
        view.page, view.subject = page, subject
        view.wanted = "" if not subject else view.wanted
        board = self.query_one("#page", Board)
        board.chosen = view.chosen = self._chosen.get((page, subject))
        board.refresh()
        board.scroll_to(0, 0, animate=False, immediate=True, force=True)
        self.feed.turn()
        self.paint()

    def _filter(self, text: str) -> None:
        self.view.wanted = text
        self.paint()


def _takes_more(file: TextIO | None) -> bool:
    """Whether a terminal can be written to without waiting."""
    if file is None or not file.isatty():
        return True
    return bool(select.select([], [file], [], 0)[1])


def _speaks_utf8() -> bool:
    """Whether the terminal's locale has more than ASCII, by the rules of setlocale(3): Python's own may be coerced."""
    named = next((os.environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if os.environ.get(name)), "C")
    return named.lower().replace("-", "").endswith("utf8") or ".utf" in named.lower()
