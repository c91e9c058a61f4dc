"""The node against a real HTTP server on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import ValidationError

from flowalpr import Secret, SetupError
from flowalpr.testing import feed, plate_read
from flowalpr_chat import Chat


class Room(ThreadingHTTPServer):
    """A chat room: keeps what is posted to `/hooks/secret-room`, and knows no other address."""

    def __init__(self) -> None:
        self.posts: list[dict[str, str]] = []
        super().__init__(("127.0.0.1", 0), _Webhook)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hooks/secret-room"


class _Webhook(BaseHTTPRequestHandler):
    server: Room

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        known = self.path == "/hooks/secret-room"
        if known:
            self.server.posts.append(json.loads(body))
        self.send_response(200 if known else 404)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def room() -> Iterator[Room]:
    with Room() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join(5)


def secret(folder: Path, url: str) -> Secret:
    (folder / "url").write_text(url)
    return Secret(f"file:{folder / 'url'}")


def test_a_read_is_posted_as_told(room: Room, tmp_path: Path) -> None:
    feed(Chat(url=secret(tmp_path, room.url), say="{text} ({confidence}) at {camera}, {time}"), plate_read("AB123"))
    assert room.posts == [{"text": "AB123 (0.9) at test, 2026-01-01 12:00:00 UTC"}]


def test_a_refused_post_is_an_error_without_address_and_plate(room: Room, tmp_path: Path) -> None:
    with pytest.raises(ConnectionError, match="refused the post: 404") as error:
        feed(Chat(url=secret(tmp_path, room.url + "/typo")), plate_read("AB123"))
    assert "secret-room" not in str(error.value)
    assert "AB123" not in str(error.value)


def test_a_chat_that_never_answers_costs_no_more_than_the_time_allowed(tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as silent:  # Accepts, but nobody serves.
        url = f"http://127.0.0.1:{silent.server_port}"
        with pytest.raises(ConnectionError, match="timed out"):
            feed(Chat(url=secret(tmp_path, url), give_up_after=timedelta(seconds=0.1)), plate_read())


def test_a_chat_that_is_not_there_cannot_be_reached(tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as gone:
        url = f"http://127.0.0.1:{gone.server_port}"
    with pytest.raises(ConnectionError, match="cannot be reached"):
        feed(Chat(url=secret(tmp_path, url)), plate_read())


def test_an_address_of_another_kind_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="http:// or https://"):
        feed(Chat(url=secret(tmp_path, "ftp://room")), plate_read())


def test_an_unknown_name_in_the_message_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"\{plate\} is not known here"):
        Chat(url=Secret("env:CHAT_URL"), say="{plate} came in")
