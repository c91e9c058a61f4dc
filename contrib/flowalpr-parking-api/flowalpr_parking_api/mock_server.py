"""A provider to try the nodes with, in memory: `python -m flowalpr_parking_api.mock_server --token open-sesame`.

It keeps to the API in README.md, checks token, signature and idempotency keys, and can be told to fail. Not for
production: it forgets everything when it ends.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import logging
import threading
import time
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

log = logging.getLogger(__name__)

FREE_MINUTES, CENTS_AN_HOUR = 10, 200
FRESH_SECONDS = 300
"""How old a signed request may be; an older one may be somebody else's, sent again."""
MOST_BYTES = 65_536
LONGEST_PLATE = 16

Json = dict[str, Any]  # Any: the values that JSON has


class Refusal(Exception):  # noqa: N818  # An answer, not an error.
    """What the server answers in place of what was asked."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Provider:
    """What the provider knows and does; may be asked from several threads."""

    def __init__(self, token: str = "", secret: str = "") -> None:
        """Requests must bear the token and a signature by the secret, if these are given."""
        self.sessions: dict[str, Json] = {}
        """By their id, in the order in which they were told of."""
        self.paid: set[str] = set()
        """Plates that may leave."""
        self.requests: list[tuple[str, str]] = []
        """Method and path of what came, failures included."""
        self.fail_next = 0
        """So many requests are answered with 503."""
        self._token, self._secret = token, secret
        self._done: dict[str, tuple[bytes, tuple[int, Json]]] = {}
        self._lock = threading.Lock()

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, Json]:  # Any: http.server's
        """Status and body of the answer to a request.

        Raises:
            Refusal: it is not granted.
        """
        with self._lock:
            self.requests.append((method, path))
            if self.fail_next:
                self.fail_next -= 1
                raise Refusal(503, "told to fail")
            self._let_in(headers)
            if method == "PUT" or path.rpartition("/")[2] in ("tariff", "paid"):
                self._check_signature(headers, body)  # Of flowalpr; who looks or pays by hand has none.
            if method == "GET":
                return self._served(method, path, {})
            key = headers.get("Idempotency-Key", "")
            if key in self._done:
                first, answer = self._done[key]
                if first != body:
                    raise Refusal(422, "this idempotency key came with another body before")
                return answer
            answer = self._served(method, path, _object(body))
            if key:
                self._done[key] = body, answer
            return answer

    def _let_in(self, headers: Any) -> None:  # Any: http.server's
        given = headers.get("Authorization", "").encode()
        if self._token and not hmac.compare_digest(given, f"Bearer {self._token}".encode()):
            raise Refusal(401, "the token is wrong")

    def _check_signature(self, headers: Any, body: bytes) -> None:  # Any: http.server's
        if not self._secret:
            return
        id_, sent = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        digest = hmac.digest(self._secret.encode(), f"{id_}.{sent}.".encode() + body, hashlib.sha256)
        wanted = f"v1,{base64.b64encode(digest).decode()}".encode()
        if not hmac.compare_digest(headers.get("webhook-signature", "").encode(), wanted):
            raise Refusal(401, "the signature is wrong")
        if not sent.isdecimal() or abs(time.time() - int(sent)) > FRESH_SECONDS:
            raise Refusal(401, "the signature is too old")

    def _served(self, method: str, path: str, body: Json) -> tuple[int, Json]:
        parts = [unquote(part) for part in path.strip("/").split("/")]
        if parts[:1] != ["v1"]:
            raise Refusal(404, "no such path")
        match method, parts[1:]:
            case "PUT", ["sessions", id_]:
                is_new = id_ not in self.sessions
                session = self.sessions.setdefault(id_, {**_wanted(body, "plate", "entered"), "state": "open"})
                return (201 if is_new else 200), session
            case "PUT", ["sessions", id_, "stop"]:
                session = self.sessions.setdefault(id_, {})
                session.update(_wanted(body, "plate", "entered", "left", "how"), state="stopped")
                return 200, {**session, **_price(session["entered"], session["left"])}
            case "POST", ["tariff"]:
                times = _wanted(body, "entered", "left")
                return 200, _price(times["entered"], times["left"])
            case "POST", ["paid"]:
                return 200, {"paid": _wanted(body, "plate")["plate"] in self.paid}
            case "POST", ["pay"]:  # The pay machine's, not flowalpr's.
                self.paid.add(_wanted(body, "plate")["plate"])
                return 200, {"paid": True}
            case "GET", ["sessions"]:
                return 200, {"sessions": self.sessions}
        raise Refusal(404, "no such path")


class MockServer(ThreadingHTTPServer):
    """The provider at a port of this machine; 0 takes a free one."""

    daemon_threads = True

    def __init__(self, provider: Provider, port: int = 0) -> None:
        """Raises OSError if the port is taken."""
        self.provider = provider
        super().__init__(("127.0.0.1", port), _Handler)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        """The base of the API."""
        return f"http://127.0.0.1:{self.server_port}/v1"

    def close(self) -> None:
        """Stop listening."""
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: MockServer
    protocol_version = "HTTP/1.1"
    timeout = 10.0

    def _serve(self) -> None:
        length = min(int(self.headers.get("Content-Length") or 0), MOST_BYTES)
        body = self.rfile.read(length)
        try:
            status, said = self.server.provider.answer(self.command, self.path, self.headers, body)
        except Refusal as refusal:
            status, said = refusal.status, {"error": str(refusal)}
        content = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = _serve  # noqa: N815  # Names of http.server.

    def log_message(self, template: str, *values: object) -> None:
        log.info(template, *values)


def _object(body: bytes) -> Json:
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Refusal(400, "a JSON object is expected")
    return found


def _wanted(body: Json, *names: str) -> Json:
    missing = [name for name in names if name not in body]
    if missing:
        raise Refusal(422, f"{missing[0]} is missing")
    if "plate" in names and not (isinstance(body["plate"], str) and 0 < len(body["plate"]) <= LONGEST_PLATE):
        raise Refusal(422, f"a plate has 1 to {LONGEST_PLATE} characters")
    return body


def _price(entered: str | None, left: str | None) -> Json:
    """Nothing for the first minutes, then so much for each hour begun; what nobody saw is free."""
    if entered is None or left is None:
        return {"minutes": 0, "amount": 0, "currency": "EUR"}
    try:
        seconds = (datetime.fromisoformat(left) - datetime.fromisoformat(entered)).total_seconds()
    except (TypeError, ValueError):
        raise Refusal(422, "entered and left are times in ISO 8601") from None
    minutes = max(0, int(seconds // 60))
    hours = 0 if minutes < FREE_MINUTES else minutes // 60 + 1
    return {"minutes": minutes, "amount": hours * CENTS_AN_HOUR, "currency": "EUR"}


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8099)
    parser.add_argument("--token", default="", help="what requests must bear, as `Authorization: Bearer ...`")
    parser.add_argument("--secret", default="", help="key of the signature that they must have")
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    server = MockServer(Provider(chosen.token, chosen.secret), chosen.port)
    log.info("listening at %s; Ctrl-C ends", server.url)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        server.close()


if __name__ == "__main__":
    main()
