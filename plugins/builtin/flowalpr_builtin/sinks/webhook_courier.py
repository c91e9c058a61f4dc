"""Brings events to a web address, one after the other, each until the server has taken or refused it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import httpx2

from flowalpr import Finding, SetupError
from flowalpr_builtin.sinks.courier import AwayError, Courier
from flowalpr_builtin.sinks.outbox import Event, Outbox

if TYPE_CHECKING:
    from flowalpr_builtin.sinks.webhook import Webhook

OUR_FAULT = {
    401: "does not accept the token: check `token`",
    403: "does not let us in: check `token` and the server's access rules",
    404: "knows no such path: check `url`",
    405: "takes no POST there: check `url`",
    407: "is behind a proxy that wants a login: check HTTPS_PROXY",
}
"""Answers that no event is to blame for; what waits is sent when it is put right."""
BUSY = (408, 425, 429)
"""Answers with which a server puts us off."""
MOST_ANSWER = 65_536
"""Bytes of an answer that are read, so that the connection can be used again; a longer one is cut off."""


class WebhookCourier(Courier):
    """The courier of a node `webhook`."""

    def __init__(self, settings: Webhook, queue: Callable[[], Outbox]) -> None:
        """Reads secrets and certificates.

        Raises:
            SetupError: one of them is missing or of no use.
        """
        super().__init__(settings.name, settings.origin, queue)
        self._url = settings.url
        self._seconds = settings.timeout.total_seconds()
        self._key = signing_key(settings.secret.reveal()) if settings.secret else None
        self._headers = {"Content-Type": "application/json", "User-Agent": "flowalpr"}
        if settings.token:
            self._headers["Authorization"] = f"Bearer {settings.token.reveal()}"
        self._client = httpx2.Client(timeout=self._seconds, verify=_trusted(settings))
        self._arrived = threading.Event()

    def _wake(self) -> None:
        self._arrived.set()

    def _part(self) -> None:
        self._client.close()

    def _carry(self) -> None:
        while not self._stopping.is_set():
            self._arrived.clear()
            for event in self._box().oldest():
                self._deal_with(event)
                self._arrived.set()
            self._arrived.wait(1.0)

    def _deal_with(self, event: Event) -> None:
        try:
            status, wish = self._post(event)
        except httpx2.HTTPError as error:
            raise AwayError(_explained(error, self._seconds)) from None  # Its words repeat the address.
        if status in OUR_FAULT:
            raise AwayError(OUR_FAULT[status])
        if status in BUSY or status >= 500:
            raise AwayError(f"answers {status}, it is busy or has failed", wish)
        if 300 <= status < 400:
            raise AwayError(f"sends us elsewhere ({status}): set `url` to where it wants us")
        self._reached()
        if status >= 400:
            self._give_up(event, f"it answered {status}")
        else:
            self._delivered([event.number])

    def _post(self, event: Event) -> tuple[int, float]:
        """The status of the answer, and the seconds that the server asks us to wait."""
        body = event.payload.encode()
        until = time.monotonic() + self._seconds
        with self._client.stream("POST", self._url, content=body, headers=self._signed(event.event, body)) as answer:
            read = 0
            for part in answer.iter_raw():
                read += len(part)
                if read > MOST_ANSWER or time.monotonic() > until:
                    break
            return answer.status_code, seconds_wished(answer.headers.get("Retry-After", ""))

    def _signed(self, event: str, body: bytes) -> dict[str, str]:
        """The headers; the names and the signature are those of standardwebhooks.com, version 1."""
        now = str(int(time.time()))
        headers = {**self._headers, "Idempotency-Key": event, "webhook-id": event, "webhook-timestamp": now}
        if self._key:
            headers["webhook-signature"] = signature(self._key, event, now, body)
        return headers


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


def examined(settings: Webhook) -> Finding:
    """Whether the server can be reached and trusted; it is asked for its front page, and sent nothing.

    Raises:
        SetupError: a certificate is of no use.
    """
    seconds = settings.timeout.total_seconds()
    try:
        with httpx2.Client(timeout=seconds, verify=_trusted(settings)) as client:
            client.head(settings.origin)
    except httpx2.HTTPError as error:
        return Finding("wrong", f"{settings.origin} {_explained(error, seconds)}")
    how = "over TLS" if settings.origin.startswith("https") else "without encryption"
    return Finding("ok", f"{settings.origin} answers, {how}")


def _trusted(settings: Webhook) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.ca.expanduser() if settings.ca else None)
    except (ssl.SSLError, OSError) as error:
        raise SetupError(f"no TLS with {settings.ca}: {error}", f"ls -l {settings.ca}") from error


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
