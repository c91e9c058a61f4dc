"""A real flow behind a real door, in this process, looked at through the client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from support.flows import graph_of
from support.live import LiveFrames, LiveReads
from support.served import Served

T = TypeVar("T")


@pytest.fixture(autouse=True)
def _places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWALPR_STATE", str(tmp_path / "s"))


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """Run a graph and open its door; both are closed after the test."""
    made: list[Served] = []

    def start(*specs: object, **options: object) -> Served:
        made.append(Served(graph_of(*specs), **options))
        return made[-1]

    yield start
    for each in made:
        each.close()


@pytest.fixture
def served(serve: Callable[..., Served]) -> Served:
    """A camera and a source of passages, both live, into a sink."""
    from support.flows import Find, Keep

    return serve(
        ("gate", LiveFrames(), ""),
        ("plates", Find(), "gate"),
        ("cars", LiveReads(), ""),
        ("keep", Keep(), "plates cars"),
    )


@pytest.fixture
def ask() -> Callable[[Awaitable[T]], T]:
    """The result of what the client is asked, within 20 seconds."""

    def run(awaitable: Awaitable[T]) -> T:
        async def within() -> T:
            return await asyncio.wait_for(awaitable, 20)

        return asyncio.run(within())

    return run
