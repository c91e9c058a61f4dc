"""The monitor beside a flow: on the terminal of `flowalpr run --tui`, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from flowalpr.errors import SetupError

if TYPE_CHECKING:
    from flowalpr.engine.runner import Runner

LEAVE_BY = 3.0
"""Seconds that a monitor which is asked to end may take."""
AS_BEFORE = (
    "\x1b[?1049l\x1b[?25h\x1b[?7h\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1004l\x1b[?2004l\x1b[<u\x1b[0m"
)
"""Takes back what a monitor that was killed has set: screen, cursor, wrapping, mouse, focus, paste, keys, colours."""


@contextmanager
def monitor_beside(wanted: bool, log: Path, runner: Runner) -> Iterator[Callable[[str], None]]:
    """Gives what opens the monitor of the flow of that name; waits at the end until the user has closed it.

    Unless the flow was told to stop, or failed: then the monitor is closed, so that its terminal says so.
    """
    if not wanted:
        yield lambda _: None
        return
    beside = Beside(log)
    try:
        yield beside.open
    finally:
        beside.close(at_once=runner.halted)


class Beside:
    """Gives the terminal to a monitor; what this process says goes into a file meanwhile.

    The flow is not touched when the monitor is closed or killed: it goes on here, as if it had been started without.
    """

    def __init__(self, log: Path) -> None:
        """Takes standard output and error away from the terminal.

        Raises:
            SetupError: there is no terminal.
        """
        if not all(os.isatty(each) for each in (0, 1, 2)):
            raise SetupError("--tui needs a terminal", "leave it out, and look with `flowalpr monitor`")
        self._modes = termios.tcgetattr(0)
        self._terminal = [os.dup(1), os.dup(2)]
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = threading.Event()
        self._is_over = False
        log.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        for each in (1, 2):
            os.dup2(file, each)
        os.close(file)

    def open(self, name: str) -> None:
        """Start the monitor of the flow of that name."""
        command = [sys.executable, "-m", "flowalpr", "monitor", name]
        self._process = subprocess.Popen(command, stdout=self._terminal[0], stderr=self._terminal[1])  # noqa: S603  # Ours.
        threading.Thread(target=self._until_closed, name="monitor", daemon=True).start()

    def close(self, at_once: bool) -> None:
        """Have the terminal back: when the user has closed the monitor, or now."""
        self._is_over = True
        if self._process is None:
            self._give_back()
            return
        if at_once:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(LEAVE_BY)
            self._process.kill()
        self._closed.wait()

    def _until_closed(self) -> None:
        assert self._process is not None  # noqa: S101  # Started by `open`.
        killed = self._process.wait() < 0
        if killed:
            os.write(self._terminal[0], AS_BEFORE.encode())
        self._give_back()
        note = f"the monitor is closed; the flow goes on, its output so far is in {self._log}; Ctrl-C stops it\n"
        if not self._is_over:
            with suppress(OSError):  # The terminal may be gone as well.
                os.write(2, note.encode())
        self._closed.set()

    def _give_back(self) -> None:
        for number, each in zip((1, 2), self._terminal, strict=True):
            os.dup2(each, number)
        with suppress(termios.error):
            termios.tcsetattr(0, termios.TCSANOW, self._modes)
