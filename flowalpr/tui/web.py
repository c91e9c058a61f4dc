"""The monitor in a browser of this machine."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Awaitable, Callable

from aiohttp import web
from textual_serve.server import Server

HERE = "127.0.0.1"
"""Never another address: a browser elsewhere comes through a tunnel of SSH."""
COOKIE = "flowalpr_monitor"
FAR_FONT = re.compile(r'<link\s+rel="stylesheet"\s+href="https://fonts\.googleapis\.com[^>]*>')
NEAR_FONT = (
    '<style>@font-face{font-family:"Roboto Mono";src:url("/static/fonts/RobotoMono-VariableFont_wght.ttf")}</style>'
)
"""A box at a gate has no network; textual-serve carries the font that its page asks another machine for."""


def serve(command: str, port: int) -> None:
    """Serve a terminal application to whoever has the address that is printed, until Ctrl-C."""
    _LocalServer(command, port).serve()


class _LocalServer(Server):
    """textual-serve asks nobody who he is; this lets in only who knows a key, made anew at each start.

    Otherwise any user of the machine, and any web page open in its browser, could look at plates and restart cameras.
    """

    def __init__(self, command: str, port: int) -> None:
        super().__init__(command, HERE, port, title="flowalpr monitor")
        self._key = secrets.token_urlsafe(24)

    async def on_startup(self, app: web.Application) -> None:
        """Say where it is."""
        self.console.print(f"The monitor is at {self.public_url}/?key={self._key}", highlight=False, soft_wrap=True)
        self.console.print("Ctrl-C closes it; the flow goes on.", style="dim")

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._let_in)
        return app

    @web.middleware
    async def _let_in(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        given = request.query.get("key") if request.path == "/" else request.cookies.get(COOKIE)
        origin = request.headers.get("Origin", self.public_url)
        if not hmac.compare_digest((given or "").encode(), self._key.encode()) or origin != self.public_url:
            raise web.HTTPForbidden(text="Open the address that `flowalpr monitor --web` has printed, with its key.")
        response = await handler(request)
        if request.path == "/" and isinstance(response, web.Response) and response.text:
            response.text = FAR_FONT.sub(NEAR_FONT, response.text)
            response.set_cookie(COOKIE, self._key, httponly=True, samesite="Strict")
        return response
