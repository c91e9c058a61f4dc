"""Events at a real web server: in order, again until they are taken, signed, and given up only if refused for good."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from email.utils import format_datetime
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from pydantic import ValidationError
from support.broker import free_port, until
from support.web import Answer, Posted, WebServer

from flowalpr import END_OF_TIME, Fault, SetupError
from flowalpr.testing import NOON, plate_read
from flowalpr_builtin.sinks.webhook import Webhook

KEY = "sixteen bytes or more"


@pytest.fixture
def web() -> Iterator[WebServer]:
    server = WebServer()
    yield server
    server.close()


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Callable[..., Webhook]]:
    """Makes and opens a node that sends to a port of this machine."""
    nodes: list[Webhook] = []

    def opened(port: int, path: str = "/plates?key=hidden", **settings: Any) -> Webhook:
        url = f"http://127.0.0.1:{port}{path}"
        nodes.append(Webhook(url=url, **{"queue": tmp_path / "queue", **settings}))
        nodes[-1].open()
        return nodes[-1]

    yield opened
    for node in nodes:
        node.close()


def texts(come: list[Posted]) -> list[str]:
    return [json.loads(each.body)["text"] for each in come]


def answers(*given: Answer) -> Callable[[Posted], Answer]:
    """These, one after the other, then 200."""
    left = list(given)
    return lambda _: left.pop(0) if left else (200, {})


def send(node: Webhook, *plates: str) -> list[Fault]:
    for text in plates:
        node.process(plate_read(text))
    return node.due(END_OF_TIME)


def test_a_read_is_posted_with_all_that_its_record_says(web: WebServer, sink: Callable[..., Webhook]) -> None:
    node = sink(web.port)
    read = plate_read("AB123CD")
    node.process(read)
    assert node.due(END_OF_TIME) == []
    (posted,) = web.come
    event = json.loads(posted.body)
    assert event == {"schema": 1, "event": event["event"], **read.record()}
    assert posted.path == "/plates?key=hidden"
    assert posted.headers["Content-Type"] == "application/json"
    assert posted.headers["Idempotency-Key"] == posted.headers["webhook-id"] == event["event"]
    assert posted.headers["webhook-signature"] is None


def test_the_signature_is_one_of_standard_webhooks(
    web: WebServer, sink: Callable[..., Webhook], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = b"24 bytes of a secret key"
    monkeypatch.setenv("KEY", "whsec_" + base64.b64encode(key).decode())
    monkeypatch.setenv("TOKEN", "open-sesame")
    send(sink(web.port, secret="env:KEY", token="env:TOKEN"), "AB1")
    (posted,) = web.come
    signed = f"{posted.headers['webhook-id']}.{posted.headers['webhook-timestamp']}.".encode() + posted.body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    assert posted.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    assert posted.headers["Authorization"] == "Bearer open-sesame"


@pytest.mark.slow
def test_a_server_that_fails_gets_the_same_event_again_and_then_the_next(
    web: WebServer, sink: Callable[..., Webhook], caplog: pytest.LogCaptureFixture
) -> None:
    web.answer = answers((200, {}), (503, {}), (500, {}))
    node = sink(web.port)
    for text in ("AB1", "CD2", "EF3"):
        node.process(plate_read(text))
    until(lambda: len(web.come) == 5)
    assert texts(web.come) == ["AB1", "CD2", "CD2", "CD2", "EF3"]
    assert len({each.headers["Idempotency-Key"] for each in web.come}) == 3
    until(lambda: "is back" in caplog.text)
    assert "answers 503, it is busy or has failed; 2 events wait; next try in" in caplog.text
    assert "hidden" not in caplog.text
    assert "CD2" not in caplog.text


@pytest.mark.slow
def test_a_server_that_asks_for_patience_gets_it(web: WebServer, sink: Callable[..., Webhook]) -> None:
    begun = monotonic()
    web.answer = answers((429, {"Retry-After": "2"}))
    node = sink(web.port)
    node.process(plate_read("AB1"))
    until(lambda: len(web.come) == 2)
    assert monotonic() - begun >= 2


@pytest.mark.slow
def test_a_server_that_stalls_costs_its_time_limit_and_no_event(
    web: WebServer, sink: Callable[..., Webhook], caplog: pytest.LogCaptureFixture
) -> None:
    go_on = threading.Event()

    def stalling(_: Posted) -> Answer:
        if not go_on.is_set():
            go_on.wait(20)
        return 200, {}

    web.answer = stalling
    node = sink(web.port, timeout="300 ms")
    node.process(plate_read("AB1"))
    node.process(plate_read("CD2"))
    until(lambda: "does not answer within 0.3 s" in caplog.text)
    go_on.set()
    until(lambda: texts(web.come)[-1:] == ["CD2"])
    assert set(texts(web.come)[:-1]) == {"AB1"}


def test_an_event_that_is_refused_for_good_becomes_a_fault_and_the_next_follows(
    web: WebServer, sink: Callable[..., Webhook]
) -> None:
    web.answer = answers((422, {}))
    (fault,) = send(sink(web.port), "SECRET1", "CD2")
    assert texts(web.come) == ["SECRET1", "CD2"]
    assert fault.error == f"http://127.0.0.1:{web.port} refuses an event for good: it answered 422"
    assert fault.message is not None
    assert fault.message.record()["text"] == "SECRET1"  # For the dead letters, from where it can be sent again.


@pytest.mark.parametrize(
    ("status", "said"), [(401, "check `token`"), (404, "check `url`"), (302, "sends us elsewhere")]
)
def test_what_no_event_is_to_blame_for_costs_none(
    status: int, said: str, web: WebServer, sink: Callable[..., Webhook], caplog: pytest.LogCaptureFixture
) -> None:
    web.answer = lambda _: (status, {"Location": "http://127.0.0.1:1/stolen"})
    node = sink(web.port)
    node.process(plate_read("AB1"))
    until(lambda: said in caplog.text)
    assert node.due(NOON) == []
    node.close()
    assert "1 events stay in the queue" in caplog.text


@pytest.mark.slow
def test_events_wait_for_a_server_also_over_a_restart(
    sink: Callable[..., Webhook], caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    for text in ("AB1", "CD2"):
        node = sink(port)
        node.process(plate_read(text))
        until(lambda: "cannot be reached: check the host and the port" in caplog.text)
        node.close()
    web = WebServer(port)
    assert send(sink(port), "EF3") == []
    assert texts(web.come) == ["AB1", "CD2", "EF3"]
    web.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("plates.example", "an address such as"),
        ("ftp://a/b", "an address such as"),
        ("https://:80/", "an address such as"),
        ("https://a:99999/", "an address such as"),
        ("https://gate:sesame@a/b", "do not belong into the address"),
    ],
)
def test_an_address_that_cannot_work_is_refused_and_not_shown(url: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said) as error:
        Webhook(url=url)
    assert "sesame" not in str(error.value)


@pytest.mark.parametrize(
    ("secret", "said"), [("sesame", "shorter than 16 bytes"), ("whsec_!!", "no base64 follows"), (KEY, "")]
)
def test_a_secret_that_protects_nothing_is_refused_at_the_start(tmp_path: Path, secret: str, said: str) -> None:
    (tmp_path / "key").write_text(secret)
    node = Webhook(url="http://127.0.0.1:1/", secret=f"file:{tmp_path}/key", queue=tmp_path / "queue")
    if said:
        with pytest.raises(SetupError, match=said) as error:
            node.open()
        assert secret not in str(error.value)
    else:
        node.open()
    node.close()


def test_a_date_is_a_wish_too() -> None:
    from flowalpr.delivery.http import seconds_wished

    assert seconds_wished("120") == 120
    assert seconds_wished(format_datetime(NOON)) == 0  # It has passed.
    assert seconds_wished("nonsense") == 0
    assert seconds_wished("") == 0
