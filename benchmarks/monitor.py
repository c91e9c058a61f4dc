"""What the monitor costs: bytes to the terminal, time to the first screen, CPU, and the way of a key.

`python benchmarks/monitor.py [first|bytes|busy|key ...]` measures all, or those named. The monitor runs in a process of
its own on a pseudo terminal, TERM=xterm-256color, before a flow that is told by `tests/support/replay.py`, so that
nothing but the monitor is measured. Compare figures of one run only: they are those of one machine under one load.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from time import monotonic

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
SECONDS = 12.0
LINE_DELAY = 0.2
"""Seconds that a thin line takes there and back."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("what", nargs="*", default=["first", "bytes", "busy", "key"])
    options.add_argument("--show", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.show:
        show(given.show)
        return
    for each in given.what:
        {"first": first, "bytes": traffic, "busy": busy, "key": key}[each]()


def first() -> None:
    """From the command to the first screen, and to the first figures."""
    screens, cpu = [], []
    for _ in range(5):
        with Screen("idle", [sys.executable, "-m", "flowalpr", "monitor", "nobody"]) as screen:
            screens.append(screen.wait_for(b"Logs"))
            cpu.append(screen.cpu())
    print(f"first screen: {min(screens):.2f} s at best of 5, {min(cpu):.2f} s of CPU")


def traffic() -> None:
    """Bytes a second at 80x24 on the pages that are open longest."""
    for flow, keys in (("idle", "1"), ("busy", "1"), ("busy", "3"), ("busy", "2")):
        with Screen(flow) as screen:
            screen.settle(keys)
            count = screen.read_for(SECONDS)
            print(f"80x24, {flow} flow, page {keys}: {count / SECONDS / 1000:.2f} kB/s")


def busy() -> None:
    """CPU of one monitor before 60 nodes, 32 cameras and 50 reads a second, at 160x48."""
    for keys in ("1", "2", "3"):
        with Screen("large", size=(160, 48)) as screen:
            screen.settle(keys)
            before = screen.cpu()
            count = screen.read_for(SECONDS)
            share = (screen.cpu() - before) / SECONDS
            pace = f"{share:.0%} of a core, {count / SECONDS / 1000:.1f} kB/s"
            print(f"160x48, 60 nodes, 32 cameras, 50 reads/s, page {keys}: {pace}")


def key() -> None:
    """From a key to its screen over a line of 200 ms, before the flow of `busy`."""
    with Screen("large", size=(160, 48)) as screen:
        screen.settle("1")
        took = []
        for number in (b"2", b"3", b"1", b"3", b"2"):
            pressed = monotonic()
            screen.press(number, delay=LINE_DELAY / 2)
            screen.wait_for({b"1": b"errors", b"2": b"processed", b"3": b"country"}[number])
            took.append(monotonic() - pressed + LINE_DELAY / 2)
        print(f"key to screen over {LINE_DELAY * 1000:.0f} ms: {min(took) * 1000:.0f} to {max(took) * 1000:.0f} ms")


class Screen:
    """A monitor on a pseudo terminal."""

    def __init__(self, flow: str, command: list[str] | None = None, size: tuple[int, int] = (80, 24)) -> None:
        self._begun = monotonic()
        self._process, self._file = pty.fork()
        if not self._process:
            os.environ.update(TERM="xterm-256color", LC_ALL="C.UTF-8")
            os.environ.pop("COLORTERM", None)
            os.chdir(ROOT)
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
            own = [sys.executable, __file__, "--show", flow]
            os.execv(sys.executable, command or own)

    def __enter__(self) -> Screen:
        return self

    def __exit__(self, *_: object) -> None:
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        os.close(self._file)

    def wait_for(self, words: bytes) -> float:
        """Seconds from the start to these words; they stand together if one style shows them."""
        seen = b""
        while words not in seen:
            seen = seen[-8000:] + self._read(30.0)
        return monotonic() - self._begun

    def settle(self, keys: str) -> None:
        """Open a page, and let the first rates be there."""
        self.wait_for(b"Logs")
        self.read_for(3.0)
        self.press(keys.encode())
        self.read_for(2.0)

    def press(self, keys: bytes, delay: float = 0.0) -> None:
        """Press keys that take so long to arrive."""
        self.read_for(delay)
        os.write(self._file, keys)

    def read_for(self, seconds: float) -> int:
        """How many bytes come in that time."""
        count, until = 0, monotonic() + seconds
        while (left := until - monotonic()) > 0:
            count += len(self._read(left))
        return count

    def cpu(self) -> float:
        """Seconds of CPU that the monitor has used so far."""
        fields = Path(f"/proc/{self._process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _read(self, seconds: float) -> bytes:
        ready, _, _ = select.select([self._file], [], [], seconds)
        return os.read(self._file, 65536) if ready else b""


def show(flow: str) -> None:
    """The monitor before a told flow that goes on: `idle`, `busy` (5 reads a second) or `large` (50)."""
    from support.replay import Replay, car_park, node, read

    from flowalpr.telemetry.snapshot import FlowSnapshot
    from flowalpr.tui.app import Monitor

    def large(seconds: float) -> FlowSnapshot:
        frames = int(seconds * 30)
        nodes = [node(f"cam{n:02}", "camera", "source", given=frames + n) for n in range(32)]
        nodes += [
            node(f"work{n:02}", "detect", "detector", f"cam{n:02}", taken=frames * (n + 1) // 40, given=frames // 3,
                 dropped=frames // 2, waiting=frames % 3, p95_ms=20.0 + frames % 7)
            for n in range(28)
        ]  # fmt: skip
        known = car_park(seconds)
        cameras = tuple(known.cameras[0].model_copy(update={"name": f"cam{n:02}"}) for n in range(32))
        return known.model_copy(update={"nodes": tuple(nodes), "cameras": cameras})

    make: Callable[[float], FlowSnapshot] = large if flow == "large" else car_park
    pace = {"idle": 0.0, "busy": 5.0, "large": 50.0}[flow]

    class Going(Replay):
        async def snapshots(self) -> AsyncIterator[FlowSnapshot]:
            begun = monotonic()
            while True:
                told = make(7268 + monotonic() - begun)
                yield FlowSnapshot.model_validate_json(told.model_dump_json())  # As the client does.
                await asyncio.sleep(0.25)

        async def read_stream(self) -> AsyncIterator[dict[str, object]]:
            number = 100
            while True:
                await asyncio.sleep(1 / pace if pace else 3600.0)
                number += 1
                yield read(number)

    Monitor(Going().reach, "car-park").run()


if __name__ == "__main__":
    main()
