"""For terminals that know no more than ASCII: what looks most like each line, bar and sign."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_LIKE = {
    "─━╴╶": "-",
    "│┃╵╷": "|",
    "╭╮╰╯├┤┬┴┼┏┓┗┛◂": "+",
    "▶": ">",
    "█▇▆": "#",
    "▅▄▃": "=",
    "▂▁▔": "_",
    "░": ".",
    "▀": '"',
    "•": "*",
    "✗": "x",
    "↓": "v",
    "↑": "^",
    "…": "~",
    "·": "-",
    "“”": '"',
    "▊▎▌": "|",
}
TABLE = str.maketrans({sign: like for signs, like in _LIKE.items() for sign in signs})


class OnlyAscii(LineFilter):
    """Turns all text into ASCII, each character into one of the same width."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments in ASCII."""
        return [segment if segment.text.isascii() else _plain(segment) for segment in segments]


def _plain(segment: Segment) -> Segment:
    text = segment.text.translate(TABLE)
    width = segment.cell_length
    return Segment(text.encode("ascii", "replace").decode("ascii").ljust(width)[:width], segment.style)
