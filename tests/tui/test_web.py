"""The monitor in a browser: nobody comes in without the key, and nothing is loaded from elsewhere."""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from support.tmux import FLOWALPR

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What `--web` prints."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [*FLOWALPR, "monitor", "--web", "--port", str(port)]
    folder: Path = tmp_path_factory.mktemp("web")
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        said = process.stdout.readline()
        yield re.findall(r"http://\S+", said)[0]
        process.terminate()


def test_the_page_needs_the_key_and_what_it_loads_a_cookie(address: str) -> None:
    root = address.partition("?")[0]
    assert httpx2.get(root).status_code == 403
    assert httpx2.get(f"{root}?key=guess").status_code == 403
    assert httpx2.get(f"{root}static/js/textual.js").status_code == 403
    with httpx2.Client() as browser:
        assert browser.get(address).status_code == 200
        assert browser.get(f"{root}static/js/textual.js").status_code == 200


def test_another_page_in_the_same_browser_cannot_reach_the_terminal(address: str) -> None:
    root = address.partition("?")[0]
    handshake = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    with httpx2.Client() as browser:
        browser.get(address)
        evil = {**handshake, "Sec-WebSocket-Key": "x3JJHMbDL1EzLkh9GBhXDw==", "Origin": "http://evil.example"}
        assert browser.get(f"{root}ws", headers=evil).status_code == 403


def test_the_page_loads_nothing_from_elsewhere(address: str) -> None:
    page = httpx2.get(address).text
    root = address.partition("/?")[0]
    loaded = re.findall(r"(?:src|href|url\()[=\"'( ]*(https?://[^\"') ]+)", page)
    assert loaded
    assert all(each.startswith(root) for each in loaded)
