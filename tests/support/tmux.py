"""A real terminal for tests: tmux, which says what is on it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event
from time import monotonic

FLOWALPR = (sys.executable, "-m", "flowalpr")
NEVER = Event()


class Terminal:
    """One window of a tmux server of its own."""

    def __init__(self, size: tuple[int, int], command: str, environment: Mapping[str, str], folder: Path) -> None:
        self._socket = f"flowalpr-{uuid.uuid4().hex[:8]}"
        width, height = size
        # A shell around it: the terminal outlives the command, and shows what it leaves behind.
        settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in environment.items())
        shell = (
            f"trap : INT; cd {shlex.quote(str(folder))}; env -i {settings} {command}; echo; echo left with $?; exec cat"
        )
        self._tmux("-f", os.devnull, "new-session", "-d", "-x", str(width), "-y", str(height), "sh", "-c", shell)

    def text(self, colours: bool = False) -> str:
        """What is on it, with escape sequences for colours if asked for."""
        return self._tmux("capture-pane", "-p", *(["-e"] if colours else []))

    def press(self, *keys: str) -> None:
        """Press keys, by tmux's names."""
        self._tmux("send-keys", *keys)

    def resize(self, width: int, height: int) -> None:
        """Change its size, as dragging a window does."""
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    def until(self, words: str) -> str:
        """What is on it as soon as it shows these words."""
        return until(self.text, lambda text: words in text)

    def close(self) -> None:
        """End it and what runs in it."""
        subprocess.run(["tmux", "-L", self._socket, "kill-server"], capture_output=True, timeout=60)

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-L", self._socket, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def until(look: Callable[[], str], is_there: Callable[[str], bool], within: float = 240.0) -> str:
    """What is seen as soon as it is there."""
    end = monotonic() + within
    while not is_there(seen := look()):
        assert monotonic() < end, f"after {within} s there is:\n{seen}"
        NEVER.wait(0.1)
    return seen
