"""What the monitor says and asks in its last lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from textual.widgets import Input

from flowalpr.tui.board import Board
from flowalpr.tui.sheet import Piece

if TYPE_CHECKING:
    from flowalpr.tui.app import Monitor

NOTICE_FOR = 5.0
"""Seconds for which a message stands in place of the keys."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something that is done only when the user says yes."""

    text: str
    do: Callable[[], None]


class Dialogue:
    """Messages, questions to be answered with a key, and lines to be written; one of each at a time."""

    def __init__(self, app: Monitor) -> None:
        self._app = app
        self._question: Question | None = None
        self._notice: tuple[Piece, float] | None = None
        self._answered: Callable[[str], None] | None = None

    def say(self, words: str, tone: str = "bar") -> None:
        """Say something in place of the keys, for a few seconds."""
        self._notice = (words, tone), monotonic()
        self._app.paint()

    def confirm(self, words: str, do: Callable[[], None]) -> None:
        """Do it only if the user answers `y`."""
        self._question = Question(f"{words}   y yes · any other key no", do)
        self._app.paint()

    def ask(self, words: str, text: str, answered: Callable[[str], None]) -> None:
        """Let the user write a line; `answered` is given it, unless he leaves with Esc."""
        line = self._app.query_one("#line", Input)
        line.placeholder = words
        line.value = text
        line.cursor_position = len(text)
        line.add_class("asked")
        self._answered = answered
        line.focus()

    def is_asking(self, answered: Callable[[str], None]) -> bool:
        """Whether the line that is being written is for that."""
        return self._answered == answered

    @property
    def is_open(self) -> bool:
        """Whether a line is being written."""
        return self._answered is not None

    def submit(self, text: str) -> None:
        """The line is written."""
        answered = self._answered
        self.leave()
        if answered:
            answered(text.strip())
        self._app.paint()

    def leave(self) -> None:
        """Put the line away."""
        self._app.query_one("#line", Input).remove_class("asked")
        self._answered = None
        self._app.query_one("#page", Board).focus()

    def take(self, key: str) -> bool:
        """Whether a key was the answer to a question."""
        if self._question is None:
            return False
        question, self._question = self._question, None
        if key.lower() == "y":
            question.do()
        self._app.paint()
        return True

    def said(self) -> Piece | None:
        """What stands in place of the keys."""
        if self._question:
            return self._question.text, "question"
        return self._notice[0] if self._notice else None

    def fade(self) -> None:
        """Take away a message that has stood long enough."""
        if self._notice and monotonic() - self._notice[1] >= NOTICE_FOR:
            self._notice = None
            self._app.paint()
