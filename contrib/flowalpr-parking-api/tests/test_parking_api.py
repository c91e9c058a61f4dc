"""The nodes against a real HTTP server that keeps to the provider's API."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from flowalpr import END_OF_TIME, Fault, Message, ParkingSession, PlateRead, Stamp
from flowalpr.testing import NOON, feed, passage, plate_read
from flowalpr_parking_api import Charge, Paid, ReportSessions, Tariff
from flowalpr_parking_api.mock_server import MockServer, Provider, Refusal

TOKEN, SECRET = "open-sesame", "sixteen bytes or more"


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARKING_TOKEN", TOKEN)
    monkeypatch.setenv("PARKING_SECRET", SECRET)


@pytest.fixture
def server() -> Iterator[MockServer]:
    started = MockServer(Provider(TOKEN, SECRET))
    yield started
    started.close()


@pytest.fixture
def report(tmp_path: Path) -> Callable[..., ReportSessions]:
    """Makes a node that reports to a URL, always with the same queue."""

    def made(url: str, **settings: object) -> ReportSessions:
        keys = {"token": "env:PARKING_TOKEN", "secret": "env:PARKING_SECRET", "queue": tmp_path / "queue"}
        return ReportSessions.model_validate({"url": url, "site": "north", **keys, **settings})

    return made


def ask(kind: type[Paid] | type[Tariff], url: str, **settings: object) -> Paid | Tariff:
    keys = {"token": "env:PARKING_TOKEN", "secret": "env:PARKING_SECRET"}
    return kind.model_validate({"url": url, **keys, **settings})


def stay(id_: str, state: str = "open", minutes: float = 0) -> ParkingSession:
    """What `sessions` tells of a car that came at noon."""
    left = NOON + timedelta(minutes=minutes) if state in ("closed", "lost entry") else None
    entered = None if state == "lost entry" else NOON
    return ParkingSession(id_, state, "AB123", Stamp("gate", left or NOON, 0), 1, entered, left)


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


def test_a_session_is_started_and_stopped_at_the_provider(
    server: MockServer, report: Callable[..., ReportSessions]
) -> None:
    assert feed(report(server.url), stay("s1"), stay("s1", "closed", 95)) == []
    session = server.provider.sessions["s1"]
    assert (session["state"], session["plate"], session["site"]) == ("stopped", "AB123", "north")
    assert server.provider.requests == [("PUT", "/v1/sessions/s1"), ("PUT", "/v1/sessions/s1/stop")]


def test_what_could_not_be_seen_is_told_too(server: MockServer, report: Callable[..., ReportSessions]) -> None:
    feed(report(server.url), stay("a"), stay("a", "lost exit"), stay("b", "lost entry", 5))
    assert {id_: (each["how"], each["left"] is None) for id_, each in server.provider.sessions.items()} == {
        "a": ("lost exit", True),
        "b": ("lost entry", False),
    }


def test_sessions_wait_on_disk_while_the_provider_is_away_and_come_in_order(
    report: Callable[..., ReportSessions],
) -> None:
    gone = MockServer(Provider())
    gone.close()
    feed(report(gone.url), stay("s1"), stay("s1", "closed", 5), stay("s2"))
    back = MockServer(Provider(TOKEN, SECRET), gone.server_port)
    feed(report(back.url))
    until(lambda: len(back.provider.requests) == 3)
    back.close()
    assert [path for _, path in back.provider.requests] == [
        "/v1/sessions/s1",
        "/v1/sessions/s1/stop",
        "/v1/sessions/s2",
    ]


def test_a_request_that_failed_comes_again_and_counts_once(
    server: MockServer, report: Callable[..., ReportSessions]
) -> None:
    server.provider.fail_next = 1
    node = report(server.url)
    node.open()
    node.process(stay("s1"))
    until(lambda: bool(server.provider.sessions))
    node.close()
    assert server.provider.requests == [("PUT", "/v1/sessions/s1")] * 2
    assert list(server.provider.sessions) == ["s1"]


def test_a_wrong_token_loses_nothing(server: MockServer, report: Callable[..., ReportSessions], tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("guessed")
    feed(report(server.url, token=f"file:{tmp_path / 'wrong'}"), stay("s1"))
    assert not server.provider.sessions
    feed(report(server.url))
    until(lambda: list(server.provider.sessions) == ["s1"])


def test_a_session_that_is_refused_for_good_is_an_error_and_the_next_follows(
    server: MockServer, report: Callable[..., ReportSessions]
) -> None:
    node = report(server.url)
    node.open()
    node.process(replace(stay("s1"), text="AB123" * 5))
    node.process(stay("s2"))
    until(lambda: "s2" in server.provider.sessions)
    (fault,) = node.due(END_OF_TIME)
    node.close()
    assert isinstance(fault, Fault)
    assert "refuses an event for good: it answered 422" in fault.error
    assert "AB123" not in fault.error


def test_a_finished_stay_has_a_price(server: MockServer) -> None:
    given = feed(ask(Tariff, server.url), stay("s1"), stay("s1", "closed", 95), stay("s2", "closed", 5))
    assert [(each.amount, each.currency) for each in given if isinstance(each, Charge)] == [(400, "EUR"), (0, "EUR")]
    assert given[0].record()["type"] == "Charge"


def test_a_price_that_nobody_tells_is_an_error_without_the_plate() -> None:
    gone = MockServer(Provider())
    gone.close()
    with pytest.raises(ConnectionError, match="cannot be reached") as error:
        feed(ask(Tariff, gone.url), stay("s1", "closed", 95))
    assert "AB123" not in str(error.value)


def test_only_who_has_paid_may_leave(server: MockServer) -> None:
    server.provider.paid.add("AB123")
    reads: list[Message] = [plate_read("AB123", camera="out"), plate_read("CD456", camera="out"), plate_read("")]
    assert feed(ask(Paid, server.url), *reads) == reads[:1]


def test_who_pays_in_front_of_the_barrier_may_leave_then(server: MockServer) -> None:
    node = ask(Paid, server.url, every="3 s", patience="1 min")
    assert isinstance(node, Paid)
    node.open()
    assert node.process(passage("AB123", camera="out")) is None
    server.provider.paid.add("AB123")
    assert list(node.due(NOON + timedelta(seconds=2))) == []
    assert [each.text for each in node.due(NOON + timedelta(seconds=3)) if isinstance(each, PlateRead)] == ["AB123"]
    assert list(node.due(NOON + timedelta(seconds=30))) == []
    node.close()
    assert node.tallies() == {"paid": 1}


def test_who_does_not_pay_is_forgotten(server: MockServer) -> None:
    node = ask(Paid, server.url, patience="1 min")
    assert isinstance(node, Paid)
    node.open()
    node.process(passage("AB123", camera="out"))
    assert list(node.due(NOON + timedelta(minutes=1))) == []
    server.provider.paid.add("AB123")
    assert list(node.due(NOON + timedelta(minutes=2))) == []
    node.close()


@pytest.mark.parametrize(("when_away", "passed"), [("hold", []), ("pass", ["AB123", "CD456"])])
def test_a_provider_that_is_away_is_told_once_and_cars_go_as_the_setting_says(
    server: MockServer, when_away: str, passed: list[str]
) -> None:
    server.close()
    node = ask(Paid, server.url, when_away=when_away)
    given = feed(node, plate_read("AB123", camera="out"), plate_read("CD456", camera="out", at=1))
    assert [each.text for each in given if isinstance(each, PlateRead)] == passed
    assert len([each for each in given if isinstance(each, Fault)]) == 1


def test_the_mock_server_refuses_a_key_that_comes_with_another_body() -> None:
    headers = {"Idempotency-Key": "k"}
    provider = Provider()
    assert provider.answer("POST", "/v1/pay", headers, b'{"plate": "A"}') == (200, {"paid": True})
    with pytest.raises(Refusal, match="another body"):
        provider.answer("POST", "/v1/pay", headers, b'{"plate": "B"}')


def test_who_looks_or_pays_by_hand_needs_no_signature_at_the_mock_server_and_flowalpr_does() -> None:
    provider, token = Provider(TOKEN, SECRET), {"Authorization": f"Bearer {TOKEN}"}
    assert provider.answer("POST", "/v1/pay", token, b'{"plate": "A"}') == (200, {"paid": True})
    assert provider.answer("GET", "/v1/sessions", token, b"") == (200, {"sessions": {}})
    for method, path in (("PUT", "/v1/sessions/a"), ("POST", "/v1/tariff"), ("POST", "/v1/paid")):
        with pytest.raises(Refusal, match="the signature is wrong"):
            provider.answer(method, path, token, b"{}")
    with pytest.raises(Refusal, match="the token is wrong"):
        provider.answer("GET", "/v1/sessions", {}, b"")
