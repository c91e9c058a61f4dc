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
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowalpr.control.places import Claim
from flowalpr.control.tokens import Tokens
from flowalpr.errors import SetupError

if TYPE_CHECKING:
    from uvicorn import Server

    from flowalpr.control.flow import RunningFlow

log = logging.getLogger(__name__)

IDLE_FOR = 10.0
"""Seconds after the start at which the door is made ready though nobody has knocked yet."""
MOST_CONNECTIONS = 128
CLOSE_WITHIN = 1.0


@dataclass(frozen=True, slots=True)
class Network:
    """Where the door is open to other machines, and the certificate by which they know this one."""

    host: str
    port: int
    """0 for any that is free."""
    certificate: Path
    key: Path


class Door:
    """The door of one flow."""

    def __init__(self, flow: RunningFlow, network: Network | None = None, tokens: Tokens | None = None) -> None:
        """Claims the flow's name and its address; `open` begins to serve.

        Raises:
            SetupError: no socket can be made, the address is in use, or the certificate is unfit.
        """
        self._flow = flow
        self._network = network
        self._tokens = tokens or Tokens()
        self._remote = _bound(network) if network is not None else None
        try:
            self._claim = Claim(flow.name)
            self._listening = self._claim.listen()
        except SetupError:
            if self._remote is not None:
                self._remote.close()
            raise
        self._closing = threading.Event()
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="flow door", daemon=True)

    @property
    def name(self) -> str:
        """By what name the flow is found: its own, or `NAME@2` if another process runs one of that name."""
        return self._claim.name

    @property
    def port(self) -> int:
        """At which other machines are served; 0 if they are not."""
        return int(self._remote.getsockname()[1]) if self._remote is not None else 0

    def open(self) -> None:
        """Begin to serve."""
        if self._remote is not None and not self._tokens.all():
            log.warning("nobody can look in from other machines: there is no token; flowalpr token create")
        self._thread.start()

    def close(self) -> None:
        """Let nobody in any more, end all streams, and give the name back."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._woken.send(b".")
        self._thread.join(CLOSE_WITHIN + 2.0)
        for each in (self._listening, self._wake, self._woken, self._remote):
            if each is not None:
                each.close()
        self._claim.release()

    def _run(self) -> None:
        knocks = [each for each in (self._listening, self._remote) if each is not None]
        select.select([*knocks, self._wake], [], [], IDLE_FOR)
        if self._closing.is_set():
            return
        try:
            asyncio.run(self._serve())
        except Exception:  # The flow must go on; that nobody can look at it is told.
            log.exception("the door is out of order")

    async def _serve(self) -> None:
        from flowalpr.control.access import of_this_machine, with_token
        from flowalpr.control.app import application

        app = application(self._flow)
        servers = [(_server(app, of_this_machine(_user())), self._listening)]
        if self._remote is not None:
            # The application lives as long as the first server; this one only leads to it.
            servers.append((_server(app, with_token(self._tokens), self._network), self._remote))
        waiting = asyncio.get_running_loop().run_in_executor(None, self._wake.recv, 1)
        serving = [asyncio.ensure_future(server.serve(sockets=[at])) for server, at in servers]
        await waiting
        desk = getattr(app.state, "desk", None)
        if desk is not None:
            desk.end_streams()
        # Whoever does not even take the end is cut off after a second, which uvicorn would report as an error each.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        for server, _ in reversed(servers):
            server.should_exit = True
        await asyncio.gather(*serving)


def _bound(network: Network) -> socket.socket:
    """A socket at that address, whose certificate is known to be usable."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(network.certificate, network.key)
    except (OSError, ssl.SSLError) as error:
        what = f"certificate {network.certificate} and key {network.key} cannot be used: {error.strerror or error}"
        raise SetupError(what, "both in PEM, the key without a password") from error
    family = socket.AF_INET6 if ":" in network.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((network.host, network.port))
        listening.listen(64)
    except OSError as error:
        listening.close()
        what = f"{network.host}:{network.port} cannot be listened at: {error.strerror}"
        raise SetupError(what, "choose another port, or an address of this machine: --listen HOST:PORT") from error
    return listening


def _server(app: Any, admit: Any, network: Network | None = None) -> Server:  # Any: types that are imported when needed
    import uvicorn

    from flowalpr.control.access import Entrance
    from flowalpr.control.connection import Connection

    config = uvicorn.Config(
        Entrance(app, admit),
        http=Connection,
        ws="websockets-sansio",
        loop="asyncio",
        lifespan="on" if network is None else "off",
        ssl_certfile=network.certificate if network else None,
        ssl_keyfile=network.key if network else None,
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
