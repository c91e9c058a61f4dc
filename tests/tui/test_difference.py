"""Only what changed is sent, and what is sent makes the terminal show what it should."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip

from flowalpr.tui.difference import Difference, Shown

CONSOLE = Console(color_system=None, force_terminal=True, width=40)
TEXT = st.text(alphabet="ab 车é", min_size=8, max_size=8)


class Terminal:
    """A terminal of one line that knows how to move and write."""

    def __init__(self) -> None:
        self.cells = [" "] * 40

    def take(self, data: str) -> None:
        for part in data.split("\x1b[")[1:]:
            place, _, text = part.partition("H")
            at = int(place.split(";")[1]) - 1
            for character in text:
                wide = character == "车"
                self.cells[at] = character
                if wide:
                    self.cells[at + 1] = ""
                at += 2 if wide else 1


def sent(shown: Shown, *texts: str) -> str:
    strip = Strip([Segment(text, Style()) for text in texts])
    from textual._compositor import LayoutUpdate

    update = LayoutUpdate([[strip]], Region(0, 0, strip.cell_length, 1))
    return Difference(update, shown).render_segments(CONSOLE)


def test_the_same_line_again_sends_nothing():
    shown = Shown()
    assert "30.1 fps" in sent(shown, "gate  ", "30.1 fps")
    assert sent(shown, "gate  ", "30.1 fps") == ""


def test_a_figure_that_changes_sends_little_more_than_the_figure():
    shown = Shown()
    sent(shown, "a" * 60, "30.1", " fps")
    assert sent(shown, "a" * 60, "30.2", " fps") == "\x1b[1;64H2"


def test_after_forgetting_all_is_sent_again():
    shown = Shown()
    first = sent(shown, "gate")
    shown.forget()
    assert sent(shown, "gate") == first


@given(st.lists(TEXT, min_size=1, max_size=6))
def test_a_terminal_shows_the_last_of_all_lines_that_were_sent(texts):
    shown, terminal = Shown(), Terminal()
    for text in texts:
        padded = text + " " * (20 - Strip([Segment(text)]).cell_length)
        terminal.take(sent(shown, padded))
    assert "".join(terminal.cells).rstrip() == texts[-1].rstrip()
