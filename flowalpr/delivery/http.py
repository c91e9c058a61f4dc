"""Talks to a web server: one request at a time, signed, within a time limit, and each mishap in words.

The signature is that of standardwebhooks.com, version 1; the idempotency key is the header that the IETF drafts
(draft-ietf-httpapi-idempotency-key-header).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import ssl
import threading
import time
from abc import abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import httpx2

from flowalpr.delivery.away import AwayError
from flowalpr.delivery.courier import Courier
from flowalpr.delivery.outbox import Event, Outbox
from flowalpr.errors import SetupError
from flowalpr.findings import Finding

if TYPE_CHECKING:
    from flowalpr.delivery.http_node import HttpNode

OUR_FAULT = {
    401: "does not accept the token: check `token`",
    403: "does not let us in: check `token` and the server's access rules",
    404: "knows no such path: check `url`",
    405: "takes no such request there: check `url`",
    407: "is behind a proxy that wants a login: check HTTPS_PROXY",
}
"""Answers that no request is to blame for; what waits is sent when it is put right."""
BUSY = (408, 425, 429)
"""Answers with which a server puts us off."""
MOST_ANSWER = 65_536
"""Bytes of an answer that are read, so that the connection can be used again; a longer one is cut off."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a server."""

    id: str
    """The same however often it is sent."""
    url: str
    body: bytes
    """JSON."""
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said that took the request or refuses it for good."""

    status: int
    body: bytes

    def record(self) -> dict[str, Any]:  # Any: the values that JSON has
        """The JSON object in it.

        Raises:
            AwayError: there is none; whoever answered is not the server that was meant.
        """
        try:
            found = json.loads(self.body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise AwayError(f"answers {self.status} without a JSON object: check `url`")
        return found


class Door:
    """The way to the server of a node: its client, token and key."""

    def __init__(self, settings: HttpNode) -> None:
        """Reads secrets and certificates.

        Raises:
            SetupError: one of them is missing or of no use.
        """
        self._seconds = settings.timeout.total_seconds()
        self._key = signing_key(settings.secret.reveal()) if settings.secret else None
        self._headers = {"Content-Type": "application/json", "User-Agent": "flowalpr"}
        self._headers["Accept-Encoding"] = "identity"  # What is small may not grow into gigabytes.
        if settings.token:
            self._headers["Authorization"] = f"Bearer {settings.token.reveal()}"
        try:
            context = ssl.create_default_context(cafile=settings.ca.expanduser() if settings.ca else None)
        except (ssl.SSLError, OSError) as error:
            raise SetupError(f"no TLS with {settings.ca}: {error}", f"ls -l {settings.ca}") from error
        self._client = httpx2.Client(timeout=self._seconds, verify=context)

    def ask(self, request: Request) -> Answer:
        """The server's answer: 2xx if it took the request, 4xx if it refuses it for good.

        Raises:
            AwayError: it cannot be reached, is busy, has failed, or does not let us in.
        """
        try:
            answer, wish = self._sent(request)
        except httpx2.HTTPError as error:
            raise AwayError(_explained(error, self._seconds)) from None  # Its words repeat the address.
        if answer.status in OUR_FAULT:
            raise AwayError(OUR_FAULT[answer.status])
        if answer.status in BUSY or answer.status >= 500:
            raise AwayError(f"answers {answer.status}, it is busy or has failed", wish)
        if 300 <= answer.status < 400:
            raise AwayError(f"sends us elsewhere ({answer.status}): set `url` to where it wants us")
        return answer

    def examined(self, origin: str) -> Finding:
        """Whether the server can be reached and trusted; it is asked for its front page, and sent nothing."""
        try:
            self._client.head(origin)
        except httpx2.HTTPError as error:
            return Finding("wrong", f"{origin} {_explained(error, self._seconds)}")
        how = "over TLS" if origin.startswith("https") else "without encryption"
        return Finding("ok", f"{origin} answers, {how}")

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def _sent(self, request: Request) -> tuple[Answer, float]:
        """The answer, and the seconds that the server asks us to wait."""
        until, read = time.monotonic() + self._seconds, bytearray()
        headers = self._signed(request)
        with self._client.stream(request.method, request.url, content=request.body, headers=headers) as answer:
            for part in answer.iter_raw():
                read += part
                if len(read) > MOST_ANSWER or time.monotonic() > until:
                    break
            wish = seconds_wished(answer.headers.get("Retry-After", ""))
            return Answer(answer.status_code, bytes(read[:MOST_ANSWER])), wish

    def _signed(self, request: Request) -> dict[str, str]:
        now = str(int(time.time()))
        names = {"Idempotency-Key": request.id, "webhook-id": request.id, "webhook-timestamp": now}
        if self._key:
            names["webhook-signature"] = signature(self._key, request.id, now, request.body)
        return {**self._headers, **names}


class HttpCourier(Courier):
    """Brings events to a web server, one after the other, each until the server has taken or refused it."""

    def __init__(self, settings: HttpNode, queue: Callable[[], Outbox]) -> None:
        """Reads secrets and certificates.

        Raises:
            SetupError: one of them is missing or of no use.
        """
        super().__init__(settings.name, settings.origin, queue)
        self._door = settings.door()
        self._arrived = threading.Event()

    @abstractmethod
    def request(self, event: Event) -> Request | None:
        """What tells the server of an event; None if it is not for this server."""

    def wake(self) -> None:
        self._arrived.set()

    def part(self) -> None:
        self._door.close()

    def carry(self) -> None:
        while not self.stopping.is_set():
            self._arrived.clear()
            for event in self.box().oldest():
                self._deal_with(event)
                self._arrived.set()
            self._arrived.wait(1.0)

    def _deal_with(self, event: Event) -> None:
        request = self.request(event)
        if request is None:
            return self.delivered([event.number])
        answer = self._door.ask(request)
        self.reached()
        if answer.status >= 400:
            return self.give_up(event, f"it answered {answer.status}")
        return self.delivered([event.number])


def signature(key: bytes, event: str, timestamp: str, body: bytes) -> str:
    """`v1,` and the HMAC-SHA256 of id, time and body, so that none of the three can be changed or used again later."""
    digest = hmac.digest(key, b".".join((event.encode(), timestamp.encode(), body)), hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def signing_key(secret: str) -> bytes:
    """The key that a secret stands for.

    Raises:
        SetupError: it is too short to protect anything, or its base64 is broken.
    """
    try:
        key = base64.b64decode(secret[6:], validate=True) if secret.startswith("whsec_") else secret.encode()
    except binascii.Error:
        raise SetupError("the webhook's secret begins with whsec_, but no base64 follows", "copy it again") from None
    if len(key) < 16:
        raise SetupError("the webhook's secret is shorter than 16 bytes", "openssl rand -base64 32")
    return key


def seconds_wished(wish: str) -> float:
    """What `Retry-After` asks for: a number of seconds or a date (RFC 9110, section 10.2.3)."""
    with suppress(ValueError):
        return max(0.0, float(wish))
    with suppress(ValueError, TypeError):
        until = parsedate_to_datetime(wish)
        return max(0.0, (until - datetime.now(timezone.utc)).total_seconds())
    return 0.0


def _explained(error: httpx2.HTTPError, seconds: float) -> str:
    """What went wrong and what to check."""
    if isinstance(error, httpx2.TimeoutException):
        return f"does not answer within {seconds:g} s"
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return "shows a certificate that is not to be trusted: check the host in `url`, and `ca`"
    if isinstance(error, httpx2.ConnectError):
        return "cannot be reached: check the host and the port in `url`, and that the server is on"
    if isinstance(error, httpx2.NetworkError | httpx2.RemoteProtocolError):
        return "broke off the connection"
    return f"cannot be spoken to ({type(error).__name__})"
