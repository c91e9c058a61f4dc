"""Two streams of one camera, laid beside each other by the times at which their pictures were taken.

The pictures of the main stream are kept as they were decoded, the last few alone, and turned into pixels only where a
plate was found. A picture of the sub-stream waits until the main stream has come as far, and not longer than that.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from time import monotonic

from flowalpr_builtin.sources.live import LiveShot, LiveStream
from flowalpr_builtin.sources.trouble import BROKE_OFF, Door

KEPT = 12
"""Decoded pictures of the main stream: half a second at 25 a second; 12 MB each at 3840x2160, 3 MB at 1920x1080."""
PATIENCE = 0.5
"""Seconds that a picture of the sub-stream waits at most for its twin."""
LONGEST_RETRY = 60.0


class MainStream:
    """The latest pictures of a main stream, received by a thread of its own, which connects anew when it breaks off."""

    def __init__(
        self, connect: Callable[[], LiveStream], door: Door, explain: Callable[[Exception, bool], str]
    ) -> None:
        """`explain` gives an error in words, with whether pictures came before it."""
        self._connect = connect
        self._door = door
        self._explain = explain
        self._shots: deque[LiveShot] = deque(maxlen=KEPT)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="main stream", daemon=True)
        self.away = "connecting"
        """Why there is none at the moment, in words; empty while it comes."""
        self.decoder = ""

    def start(self) -> None:
        """Begin to receive."""
        self._thread.start()

    def stop(self) -> None:
        """Hang up; a connection that is silent just now ends by its own time limit."""
        self._stopping.set()
        self._thread.join(1.0)

    def twin(self, shot: LiveShot) -> tuple[bool, LiveShot | None]:
        """Whether the main stream has come as far as this picture of the sub-stream, and the one nearest in time."""
        with self._lock:
            shots = tuple(self._shots)
        if self.away or not shots or monotonic() - shots[-1].arrived > PATIENCE:
            return True, None
        return apart(shots[-1], shot) >= 0, min(shots, key=lambda each: abs(apart(each, shot)))

    def _run(self) -> None:
        tries = 0
        while not self._stopping.is_set():
            before = monotonic()
            problem = self._receive()
            with self._lock:
                self._shots.clear()
            self.away = problem
            tries = 0 if monotonic() - before > LONGEST_RETRY else tries + 1
            self._pause(min(2.0**tries, LONGEST_RETRY) * random.uniform(1.0, 1.2))  # noqa: S311  # No secret.

    def _receive(self) -> str:
        """Keep pictures until the stream breaks off; why it did."""
        came = False
        try:
            stream = self._connect()
            try:
                self.decoder = stream.decoder
                for shot in stream:
                    if self._stopping.is_set():
                        break
                    came = True
                    with self._lock:
                        self._shots.append(shot)
                    self.away = ""
            finally:
                stream.close()
        except Exception as error:  # Of any kind: the sub-stream must go on, and the words are shown.
            if isinstance(error, ConnectionRefusedError):
                self._door.shut()
            return self._explain(error, came)
        return BROKE_OFF

    def _pause(self, seconds: float) -> None:
        until = monotonic() + seconds
        while monotonic() < until and not self._stopping.wait(0.5):
            if self._door.opens():
                return


def apart(main: LiveShot, sub: LiveShot) -> float:
    """Seconds from a picture of the sub-stream to one of the main stream, by the camera's clock if both tell it.

    By the clock of this computer, streams of unlike delay are apart by as much as their delays.
    """
    if main.clock is not None and sub.clock is not None:
        return main.clock - sub.clock
    return main.taken - sub.taken


def paired(shots: Iterable[LiveShot], main: MainStream, tolerance: float) -> Iterator[tuple[LiveShot, LiveShot | None]]:
    """Each picture of the sub-stream, in order, with its twin if there is one within `tolerance` seconds."""
    held: deque[LiveShot] = deque()
    for shot in shots:
        held.append(shot)
        while held:
            ready, twin = main.twin(held[0])
            if not ready and shot.arrived - held[0].arrived < PATIENCE:
                break
            first = held.popleft()
            yield first, twin if twin is not None and abs(apart(twin, first)) <= tolerance else None
