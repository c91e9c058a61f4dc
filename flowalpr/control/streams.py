"""Streams to those who look on: each has a bounded buffer, and whoever stops reading is dropped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from flowalpr.control.access import Guest

BUFFER = 256
"""Items that wait for one client."""
SEND_WITHIN = 10.0
"""Seconds in which a client must take what it is sent."""
BEAT = 10.0
"""Seconds of silence after which a sign of life is sent, and after which it is asked whether the guest may stay."""
MOST_STREAMS = 64
"""Streams that are served at a time."""


_END = object()


class LaggingError(Exception):
    """A client did not keep up."""


class Feed:
    """Hands each item to all who listen. But for `tell`, for the door's thread alone."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._listeners: set[asyncio.Queue[Any]] = set()  # Any: whatever is told
        self._lagging: set[asyncio.Queue[Any]] = set()
        self._ended = False

    def __len__(self) -> int:
        return len(self._listeners)

    def tell(self, item: object) -> None:
        """Hand an item out; may be called from any thread, and returns at once."""
        if self._listeners:
            with suppress(RuntimeError):  # The door is closing.
                self._loop.call_soon_threadsafe(self.tell_here, item)

    def tell_here(self, item: object) -> None:
        """The same, from the door's thread."""
        for listener in self._listeners:
            if listener.full():
                self._lagging.add(listener)
            else:
                listener.put_nowait(item)

    def end(self) -> None:
        """No more will come: all who listen have what waits for them, and then the end."""
        self._ended = True
        for listener in self._listeners:
            if not listener.full():
                listener.put_nowait(_END)

    async def items(
        self, holds: int = BUFFER, after: Callable[[], list[Any]] = list
    ) -> AsyncIterator[Any]:  # Any: whatever is told
        """The items from now on; None as a sign of life when there are none for a while.

        Those that `after` gives come first: it is asked when whatever is told is heard already, so that none is lost
        in between; what is told of them later is left out.

        Raises:
            LaggingError: more than `holds` waited to be taken.
        """
        listener: asyncio.Queue[Any] = asyncio.Queue(holds)
        self._listeners.add(listener)
        try:
            given = after()
            for item in given:
                yield item
            while not self._ended or not listener.empty():
                try:
                    item = await asyncio.wait_for(listener.get(), BEAT)
                except asyncio.TimeoutError:
                    item = None
                if item is _END:
                    return
                if listener in self._lagging:
                    raise LaggingError
                if any(item is each for each in given):
                    continue
                given = []  # Told in their order: whatever comes now is newer than all of them.
                yield item
        finally:
            self._listeners.discard(listener)
            self._lagging.discard(listener)


Words = Callable[[Any], str]  # Any: whatever is told
"""An item as JSON."""


class EventStream(Response):
    """Server-sent events, one for each item."""

    media_type = "text/event-stream"

    def __init__(self, items: AsyncIterator[Any], event: str, words: Words, guest: Guest) -> None:
        super().__init__()
        self._items, self._event, self._words, self._guest = items, event, words, guest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        gone = asyncio.ensure_future(_until_gone(receive))
        sending = asyncio.ensure_future(self._send_all(send))
        try:
            await asyncio.wait({gone, sending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _ended(gone, sending, scope)

    async def _send_all(self, send: Send) -> None:
        await _sent(send({"type": "http.response.body", "body": b": here\n\n", "more_body": True}))
        async for item in self._items:
            if not self._guest.is_welcome():
                break
            text = ": alive\n\n" if item is None else f"event: {self._event}\ndata: {self._words(item)}\n\n"
            await _sent(send({"type": "http.response.body", "body": text.encode(), "more_body": True}))
        await _sent(send({"type": "http.response.body", "body": b"", "more_body": False}))


async def serve_socket(socket: WebSocket, items: AsyncIterator[Any], words: Words, guest: Guest) -> None:
    """The same over a WebSocket, a text message for each item."""
    await socket.accept()

    async def send_all() -> None:
        async for item in items:
            if not guest.is_welcome():
                break
            if item is not None:
                await _sent(socket.send_text(words(item)))
        await _sent(socket.close())

    async def until_gone() -> None:
        with suppress(WebSocketDisconnect):
            while True:
                await socket.receive_text()

    gone, sending = asyncio.ensure_future(until_gone()), asyncio.ensure_future(send_all())
    try:
        await asyncio.wait({gone, sending}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _ended(gone, sending, socket.scope)


async def _sent(sending: Any) -> None:  # Any: an awaitable
    try:
        await asyncio.wait_for(sending, SEND_WITHIN)
    except asyncio.TimeoutError:
        raise LaggingError from None


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _ended(gone: asyncio.Future[None], sending: asyncio.Future[None], scope: Scope) -> None:
    """End both halves; the connection of a client that lags is cut, for it would not take a farewell either."""
    gone.cancel()
    sending.cancel()
    results = await asyncio.gather(gone, sending, return_exceptions=True)
    if any(isinstance(each, LaggingError) for each in results):
        scope["state"]["transport"].abort()
        return
    for each in results:
        if isinstance(each, Exception) and not isinstance(each, (OSError, WebSocketDisconnect, RuntimeError)):
            raise each
