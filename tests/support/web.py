"""A web server for tests that can fail, stall, refuse and recover."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True)
class Posted:
    """A request as it came."""

    path: str
    headers: Message
    body: bytes


Answer = tuple[int, dict[str, str]]
"""Status and headers."""


class WebServer:
    """Answers each POST as `answer` says, 200 unless it is set; `come` is what came, in order."""

    def __init__(self, port: int = 0) -> None:
        self.come: list[Posted] = []
        self.answer: Callable[[Posted], Answer] = lambda _: (200, {})
        served = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                posted = Posted(self.path, self.headers, body)
                served.come.append(posted)
                status, headers = served.answer(posted)
                self.send_response(status)
                for name, value in {**headers, "Content-Length": "0"}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                pass  # The client hung up, as it should.

        self._server = Server(("127.0.0.1", port), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
