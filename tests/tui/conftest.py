"""A terminal that is the same on every machine."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def a_terminal_of_many_colours(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in {"COLORTERM": "truecolor", "TERM": "xterm-256color", "TZ": "UTC", "LC_ALL": "C.UTF-8"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
