"""Serves the door from a thread of its own: the user's socket always, the network where it was asked for.

Until somebody knocks, or the flow has run for a while, the thread only holds the socket: FastAPI takes half a second
of CPU to import, which the first frames would have to wait for and a short run never needs.
"""

from __future__ import annotations

import asyncio
import getpass
import logging
import os
import select
import socket
import threading
from typing import TYPE_CHECKING, Any

from flowalpr.control.places import Claim

if TYPE_CHECKING:
    from uvicorn import Server

    from flowalpr.control.flow import RunningFlow

log = logging.getLogger(__name__)

IDLE_FOR = 10.0
"""Seconds after the start at which the door is made ready though nobody has knocked yet."""
MOST_CONNECTIONS = 128
CLOSE_WITHIN = 1.0


class Door:
    """The door of one flow."""

    def __init__(self, flow: RunningFlow) -> None:
        """Claims the flow's name; `open` begins to serve.

        Raises:
            SetupError: no socket can be made.
        """
        self._flow = flow
        self._claim = Claim(flow.name)
        self._listening = self._claim.listen()
        self._closing = threading.Event()
        self._wake, self._woken = socket.socketpair()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._servers: list[Server] = []
        self._thread = threading.Thread(target=self._run, name="flow door", daemon=True)

    @property
    def name(self) -> str:
        """By what name the flow is found: its own, or `NAME@2` if another process runs one of that name."""
        return self._claim.name

    def open(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def close(self) -> None:
        """Let nobody in any more, end all streams, and give the name back."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._woken.send(b".")
        self._thread.join(CLOSE_WITHIN + 2.0)
        for each in (self._listening, self._wake, self._woken):
            each.close()
        self._claim.release()

    def _run(self) -> None:
        select.select([self._listening, self._wake], [], [], IDLE_FOR)
        if self._closing.is_set():
            return
        try:
            asyncio.run(self._serve())
        except Exception:  # The flow must go on; that nobody can look at it is told.
            log.exception("the door is out of order")

    async def _serve(self) -> None:
        from flowalpr.control.access import of_this_machine
        from flowalpr.control.app import application

        app = application(self._flow)
        self._servers = [_server(app, of_this_machine(_user()))]
        waiting = asyncio.get_running_loop().run_in_executor(None, self._wake.recv, 1)
        serving = [asyncio.ensure_future(self._servers[0].serve(sockets=[self._listening]))]
        await waiting
        for server in self._servers:
            server.should_exit = True
        await asyncio.gather(*serving)


def _server(app: Any, admit: Any) -> Server:  # Any: types of libraries that are not imported before they are needed
    import uvicorn

    from flowalpr.control.access import Entrance
    from flowalpr.control.connection import Connection

    config = uvicorn.Config(
        Entrance(app, admit),
        http=Connection,
        ws="websockets-sansio",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        ws_max_size=1000,  # Nobody has anything to say there.
        timeout_graceful_shutdown=1,
        h11_max_incomplete_event_size=16_000,
    )
    return uvicorn.Server(config)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # No entry in the user database: a container with a bare number.
        return str(os.geteuid())
