"""The event loop for nodes written with `async def`: one thread, started when the first such node needs it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Iterator
from concurrent.futures import wait
from typing import Any

LOOK_EVERY = 0.2
"""Seconds between two looks whether a source that awaits something is to stop."""


class Loop:
    """Runs awaitables for other threads."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    def run(self, awaitable: Awaitable[Any]) -> Any:  # Any: what the awaitable gives
        """The result of an awaitable, run in the loop's thread while the calling thread waits."""
        return asyncio.run_coroutine_threadsafe(_as_coroutine(awaitable), self._started()).result()

    def iterate(self, messages: AsyncIterator[Any], stopping: threading.Event) -> Iterator[Any]:  # Any: of a source
        """The items of an asynchronous iterator, one by one, for a thread, until `stopping` is set."""
        leave = asyncio.Event()
        try:
            while True:
                coming = asyncio.run_coroutine_threadsafe(_next(messages, leave), self._started())
                while not wait({coming}, timeout=LOOK_EVERY).done:
                    if stopping.is_set():
                        self._started().call_soon_threadsafe(leave.set)
                try:
                    item = coming.result()
                except StopAsyncIteration:
                    return
                yield item
        finally:
            if hasattr(messages, "aclose"):
                self.run(messages.aclose())

    def close(self) -> None:
        """End the loop and its thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._loop = None

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=_run, args=(self._loop,), name="flow async", daemon=True).start()
            return self._loop


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()
    loop.close()


async def _next(messages: AsyncIterator[Any], leave: asyncio.Event) -> Any:  # Any: what a source yields
    """The next item; none any more once `leave` is set, whatever the iterator is waiting for."""
    item, left = asyncio.ensure_future(_as_coroutine(messages.__anext__())), asyncio.ensure_future(leave.wait())
    await asyncio.wait({item, left}, return_when=asyncio.FIRST_COMPLETED)
    left.cancel()
    if item.done():
        return item.result()
    item.cancel()
    await asyncio.wait({item}, timeout=1.0)
    raise StopAsyncIteration


async def _as_coroutine(awaitable: Awaitable[Any]) -> Any:  # Any: what the awaitable gives
    return await awaitable
