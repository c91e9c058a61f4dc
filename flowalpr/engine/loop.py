"""The event loop for nodes written with `async def`: one thread, started when the first such node needs it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any


class Loop:
    """Runs awaitables for other threads."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    def run(self, awaitable: Awaitable[Any]) -> Any:  # Any: what the awaitable gives
        """The result of an awaitable, run in the loop's thread while the calling thread waits."""
        return asyncio.run_coroutine_threadsafe(_as_coroutine(awaitable), self._started()).result()

    def iterate(self, messages: AsyncIterator[Any]) -> Iterator[Any]:  # Any: what a source yields
        """The items of an asynchronous iterator, one by one, for a thread."""
        try:
            while True:
                try:
                    yield self.run(messages.__anext__())
                except StopAsyncIteration:
                    return
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


async def _as_coroutine(awaitable: Awaitable[Any]) -> Any:  # Any: what the awaitable gives
    return await awaitable
