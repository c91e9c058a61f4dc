"""A page of characters on which lines join where they meet."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from flowalpr.tui.sheet import Line, Piece

UP, DOWN, LEFT, RIGHT = 1, 2, 4, 8
JOINTS = {
    UP: "│",
    DOWN: "│",
    UP | DOWN: "│",
    LEFT: "─",
    RIGHT: "─",
    LEFT | RIGHT: "─",
    DOWN | RIGHT: "╭",
    DOWN | LEFT: "╮",
    UP | RIGHT: "╰",
    UP | LEFT: "╯",
    UP | DOWN | RIGHT: "├",
    UP | DOWN | LEFT: "┤",
    DOWN | LEFT | RIGHT: "┬",
    UP | LEFT | RIGHT: "┴",
    UP | DOWN | LEFT | RIGHT: "┼",
}


class Canvas:
    """Lines and texts at x, y in cells, counted from the left top."""

    def __init__(self, width: int, height: int) -> None:
        self._width = width
        self._joints = [[0] * width for _ in range(height)]
        self._cells: list[list[Piece]] = [[(" ", "")] * width for _ in range(height)]
        self._tones: list[list[str]] = [[""] * width for _ in range(height)]

    def line(self, points: Sequence[tuple[int, int]], tone: str) -> None:
        """Draw along the points, each straight above, below or beside the one before."""
        for (x, y), (to_x, to_y) in pairwise(points):
            while (x, y) != (to_x, to_y):
                across, down = (to_x > x) - (to_x < x), (to_y > y) - (to_y < y)
                out, back = (RIGHT, LEFT) if across > 0 else (LEFT, RIGHT) if across else (DOWN, UP)
                if down < 0:
                    out, back = UP, DOWN
                self._join(x, y, out, tone)
                x, y = x + across, y + down
                self._join(x, y, back, tone)

    def text(self, x: int, y: int, text: str, tone: str) -> None:
        """Write over whatever is there."""
        for at, character in enumerate(text, x):
            self._cells[y][at] = (character, tone)
            self._joints[y][at] = 0

    def lines(self) -> list[Line]:
        """The page, pieces of one tone taken together."""
        return [self._line(y) for y in range(len(self._cells))]

    def _join(self, x: int, y: int, way: int, tone: str) -> None:
        self._joints[y][x] |= way
        self._tones[y][x] = tone

    def _line(self, y: int) -> Line:
        pieces: list[Piece] = []
        for x in range(self._width):
            joint = self._joints[y][x]
            text, tone = (JOINTS[joint], self._tones[y][x]) if joint else self._cells[y][x]
            if pieces and (pieces[-1][1] == tone or text == " "):
                pieces[-1] = (pieces[-1][0] + text, pieces[-1][1])
            else:
                pieces.append((text, tone))
        return tuple(pieces)
