"""Prints a line for each message."""

from __future__ import annotations

import logging
import os
import stat
import sys
from typing import TYPE_CHECKING, Literal, TextIO

from flowalpr import Exposure, Message, Node, Passage, PlateRead, masked, masked_record, stamp_of

if TYPE_CHECKING:
    from rich.console import Console as Terminal

log = logging.getLogger(__name__)


class Console(Node):
    """Print a line for each read: time, camera, plate, country and confidence; other messages as their fields.

    Of a passage without a plate (`vote`) the reason is printed in its place, of one that is not final its stage behind.

    In colour on a terminal, plain text with tabs between the columns into a pipe or file. If the reader of the pipe
    goes away (`| head`), the flow goes on in silence.
    """

    plates: Literal["auto", "whole", "masked"] = "auto"
    """`whole`, `masked` (`AB•••••`), or `auto`: masked where lines are kept, in a file and in systemd's journal."""

    _terminal: Terminal | None = None
    _out: TextIO | None = None

    _is_masked: bool = False

    def exposes(self) -> tuple[Exposure, ...]:
        if self.plates == "masked":
            return ()
        if self.plates == "auto":
            return (Exposure("shown", "the screen of whoever runs the flow"),)
        fault = "output often goes to a file or to a log, and is not sealed there"
        return (Exposure("shown", "the output of the program", fault, "plates: auto", "plates"),)

    def open(self) -> None:
        self._out = sys.stdout
        self._is_masked = self.plates == "masked" or (self.plates == "auto" and _is_kept(self._out))
        if self._is_masked and self.plates == "auto":
            told = "%s: plates are masked, since the output is kept; `plates: whole` writes them whole"
            log.warning(told, self.name)
        if self._out.isatty():
            from rich.console import Console as Terminal

            self._terminal = Terminal(file=self._out, highlight=False)

    def process(self, message: Message) -> None:
        if self._out is None:
            return
        columns = [_printable(each, self._out.encoding) for each in _columns(message, self._is_masked)]
        try:
            if self._terminal is None:
                self._out.write("\t".join(columns) + "\n")
                self._out.flush()
            else:
                _show(self._terminal, columns, isinstance(message, PlateRead))
        except BrokenPipeError:
            log.warning("%s: nobody reads the output any more; nothing more is printed", self.name)
            # What is still buffered would raise again when Python exits (Python's documentation of SIGPIPE).
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._out.fileno())
            self._out = None


def _columns(message: Message, is_masked: bool) -> list[str]:
    """Time of day, camera and what there is to say."""
    stamp = stamp_of(message)
    when = [stamp.time.astimezone().strftime("%H:%M:%S.%f")[:-3], stamp.camera] if stamp else []
    if isinstance(message, PlateRead):
        sure, told = f"{message.confidence:.0%}", message.text
        if isinstance(message, Passage):
            told = told or f"({message.reason})"
            sure += "" if message.stage == "final" else f" {message.stage}"
        if is_masked and message.text:
            told = masked(told)
        return [*when, told, message.country or "-", sure]
    record = masked_record(message.record()) if is_masked else message.record()
    shown = {key: value for key, value in record.items() if key not in ("time", "camera")}
    return [*when, str(shown.pop("type")), *(f"{key}={value}" for key, value in shown.items())]


def _show(terminal: Terminal, columns: list[str], is_read: bool) -> None:
    """Print columns aligned and, if they are those of a read, with the plate to be seen at a glance."""
    from rich.text import Text

    if not is_read:
        terminal.print(Text("  ".join(columns)))
        return
    time, camera, text, country, confidence = columns
    line = Text.assemble((time, "dim"), f"  {camera:<10}  ", (f" {text} ", "bold black on white"))
    line.append(" " * max(1, 12 - len(text)) + f"{country:<3} {confidence:>4}")
    terminal.print(line, soft_wrap=True)


def _is_kept(out: TextIO) -> bool:
    """Whether what is written there stays: in a file, or in systemd's journal, which is a socket."""
    try:
        mode = os.fstat(out.fileno()).st_mode
    except (OSError, ValueError):  # No file of the system, as in a test.
        return False
    return stat.S_ISREG(mode) or stat.S_ISSOCK(mode)


def _printable(text: str, encoding: str) -> str:
    """The text without control characters, which could steer a terminal, and without what cannot be written."""
    return "".join(each if each.isprintable() else "�" for each in text).encode(encoding, "replace").decode(encoding)
