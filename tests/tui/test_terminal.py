"""The monitor on a real terminal, before a flow that really runs."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.tmux import FLOWALPR, Terminal, until

pytestmark = [pytest.mark.slow, pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux on this machine")]
FLOW = """\
flow: ticking
nodes:
  tick: {uses: timer, with: {every: 50 ms}}
  log:  {uses: lines, from: tick, with: {path: ticks.jsonl}}
"""
MONITOR = " ".join((*FLOWALPR, "monitor"))


class Running:
    """`flowalpr run` in a process of its own, and terminals beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        own = {"FLOWALPR_STATE": str(folder / "state"), "HOME": str(folder), "LC_ALL": "C.UTF-8", "TERM": "screen"}
        self.environment = {**own, "PATH": os.environ["PATH"]}
        (folder / "ticking.yaml").write_text(FLOW)
        self._terminals: list[Terminal] = []
        self._flow: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [*FLOWALPR, "run", "ticking.yaml", "--summary", "none"]
        self._flow = subprocess.Popen(command, cwd=self.folder, env={**os.environ, **self.environment})

    def kill(self) -> None:
        assert self._flow
        self._flow.kill()
        self._flow.wait(10)

    def terminal(self, command: str = MONITOR, size: tuple[int, int] = (80, 24), **environment: str) -> Terminal:
        terminal = Terminal(size, command, {**self.environment, **environment}, self.folder)
        self._terminals.append(terminal)
        return terminal

    def end(self) -> None:
        for each in self._terminals:
            each.close()
        if self._flow:
            self._flow.kill()
            self._flow.wait(10)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    flow = Running(tmp_path)
    yield flow
    flow.end()


def test_a_flow_is_watched_over_its_end_and_return_in_a_terminal_that_is_resized_wildly(running: Running) -> None:
    terminal = running.terminal()
    assert "flowalpr run FLOW" in terminal.until("no flow of this user runs")
    running.start()
    assert "╭─ log" in terminal.until("Settings")
    for size in ((160, 48), (20, 6), (300, 90), (1, 1), (80, 24)):
        terminal.resize(*size)

    def enlarged() -> str:  # tmux forgets the last of many sizes that come at once.
        terminal.resize(160, 48)
        return terminal.text()

    assert "tick" in until(enlarged, lambda text: "space hold" in text)
    colours = terminal.text(colours=True)
    assert "\x1b[38;" not in colours  # TERM=screen has no more than sixteen.
    assert "\x1b[48;" not in colours
    running.kill()
    terminal.until("waiting for its return")
    running.start()
    terminal.until("just started")
    terminal.press("q")
    assert "left with 0" in terminal.until("left with")


def test_a_terminal_without_utf8_gets_ascii(running: Running) -> None:
    running.start()
    terminal = running.terminal(LC_ALL="C", LANG="C")
    assert terminal.until("Settings").isascii()


def test_a_flow_outlives_the_monitor_beside_it(running: Running) -> None:
    command = " ".join((*FLOWALPR, "run", "ticking.yaml", "--tui"))
    terminal = running.terminal(command)
    terminal.until("Settings")
    os.kill(_monitor_of(running.folder), signal.SIGKILL)
    assert "the monitor is closed; the flow goes on" in terminal.until("the flow goes on")
    ticks = running.folder / "ticks.jsonl"
    before = ticks.stat().st_size
    until(lambda: str(ticks.stat().st_size), lambda size: int(size) > before)
    terminal.press("C-c")
    assert "ticking:" in terminal.until("left with 0")  # The summary, on a terminal that is as it was.


def _monitor_of(folder: Path) -> int:
    """The process of the monitor that was started in a folder."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            if b"monitor" in words and b"ticking" in words and (process / "cwd").resolve() == folder.resolve():
                return int(process.name)
        except OSError:
            continue
    raise AssertionError("no monitor runs")
