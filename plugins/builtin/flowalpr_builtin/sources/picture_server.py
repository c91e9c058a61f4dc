"""A small web server that takes pictures, a few at a time.

http.server of the standard library, and no framework: there is one thing to ask for, behind a token, for a handful of
clients. What it lacks is put in its place here: limits for size, time and number of clients.
"""

from __future__ import annotations

import hmac
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Full, Queue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flowalpr.vision.image import PictureError, decode

CLIENTS = 8
"""How many are served at once; others wait for a second and are turned away."""
CLIENT_SECONDS = 10.0
"""For how long a client may say nothing."""
PICTURE_SECONDS = 60.0
"""For how long it may take for all that it says, lest eight that send a byte a second keep everybody out."""
TAKE_SECONDS = 30.0
"""For how long a client waits for the flow to take its picture."""

HOW = "send the picture itself by POST: curl --data-binary @car.jpg URL"
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
"""What those are told that are turned away."""

Picture = NDArray[np.uint8]


@dataclass(slots=True)
class _Sent:
    """A picture whose sender waits for its answer."""

    image: Picture
    is_given_up: bool = False
    taken: threading.Event = field(default_factory=threading.Event)


class PictureServer:
    """Listens from the start; `next` gives what is sent."""

    def __init__(self, address: tuple[str, int], token: str, most_bytes: int, seconds: float = PICTURE_SECONDS) -> None:
        """Raises OSError if the address cannot be had."""
        self._sent: Queue[_Sent] = Queue(CLIENTS)
        host, port = address
        try:
            self._server = _Server(address, token.encode(), most_bytes, sent=self._sent, seconds=seconds)
        except OSError as error:
            raise OSError(f"http://{host}:{port} cannot be listened at: {error.strerror or error}") from error
        threading.Thread(target=self._server.serve_forever, args=(0.1,), name="pictures", daemon=True).start()

    @contextmanager
    def next(self, seconds: float) -> Iterator[Picture | None]:
        """The next picture, uint8, (height, width, 3), BGR; None if none came in that time.

        Its sender is told that it was taken when the block is left in peace.
        """
        try:
            sent = self._sent.get(timeout=seconds)
        except Empty:
            yield None
            return
        if sent.is_given_up:
            yield None
            return
        yield sent.image
        sent.taken.set()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(
        self, address: tuple[str, int], token: bytes, most_bytes: int, *, sent: Queue[_Sent], seconds: float
    ) -> None:
        self.token = token
        self.most_bytes = most_bytes
        self.sent = sent
        self.seconds = seconds
        self._places = threading.BoundedSemaphore(CLIENTS)
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:  # Any: socketserver's
        if self._places.acquire(timeout=1.0):
            super().process_request(request, client_address)
        else:
            with suppress(OSError):
                request.sendall(BUSY)
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # Any: socketserver's
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # Any: socketserver's
        """A client that hangs up is no error of ours, and its traceback not for the terminal."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"  # In which a client may ask whether it shall send its picture (Expect: 100-continue).
    timeout = CLIENT_SECONDS

    def setup(self) -> None:
        super().setup()
        self._deadline = threading.Timer(self.server.seconds, self._end_of_patience)
        self._deadline.daemon = True
        self._deadline.start()

    def finish(self) -> None:
        self._deadline.cancel()
        super().finish()

    def handle_expect_100(self) -> bool:
        return not self._refuses() and super().handle_expect_100()

    def do_POST(self) -> None:
        if self._refuses():
            return None
        length = int(self.headers["Content-Length"])
        content = self.rfile.read(length)
        self._deadline.cancel()
        if len(content) < length:
            return self._answer(408, "the picture did not come whole in time; send it again")
        try:
            image = decode(content)
        except PictureError as error:
            return self._answer(415, str(error))
        return self._hand_over(image)

    def do_GET(self) -> None:
        self._answer(405, HOW, {"Allow": "POST"})

    do_PUT = do_GET  # noqa: N815  # A name of http.server.

    def _refuses(self) -> bool:
        """Whether the picture is not wanted, by what is said before it; the answer is then given."""
        shown = self.headers.get("Authorization", "").encode("utf-8", "replace")
        length = self.headers.get("Content-Length", "")
        if self.server.token and not hmac.compare_digest(shown, b"Bearer " + self.server.token):
            self._answer(401, "the token is wrong", {"WWW-Authenticate": "Bearer"})
        elif not length.isdecimal():
            self._answer(411, "the length must be said in Content-Length")
        elif int(length) > self.server.most_bytes:
            self._answer(413, f"at most {self.server.most_bytes / 1e6:g} MB are taken")
        elif self.headers.get_content_maintype() == "multipart":
            self._answer(415, f"this is a form; {HOW}")
        else:
            return False
        return True

    def _end_of_patience(self) -> None:
        with suppress(OSError):  # It has gone.
            self.connection.shutdown(socket.SHUT_RD)

    def _hand_over(self, image: Picture) -> None:
        sent = _Sent(image)
        with suppress(Full):
            self.server.sent.put_nowait(sent)
            if sent.taken.wait(TAKE_SECONDS):
                return self._answer(202, "taken")
        sent.is_given_up = True
        return self._answer(503, "the flow has no time; send it again", {"Retry-After": "5"})

    def _answer(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        body = (text + "\n").encode()
        given = {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(body)), "Connection": "close"}
        for name, value in {**given, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        return "flowalpr"

    def log_message(self, *_: object) -> None:
        """Nothing: a token may stand in the address."""
