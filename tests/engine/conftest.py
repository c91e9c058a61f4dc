"""Flows built of small honest nodes, run to their end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flowalpr.engine.runner import Runner
from flowalpr.flow.graph import Graph


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Callable[..., Runner]]:
    made: list[Runner] = []

    def make(graph: Graph, **options: float) -> Runner:
        made.append(Runner(graph, tmp_path / "dead-letters.jsonl", **options))
        return made[-1]

    yield make
    for each in made:
        each.stop()


@pytest.fixture
def run(runner: Callable[..., Runner]) -> Callable[..., Runner]:
    """Run a flow to its end."""

    def run_to_end(graph: Graph, **options: float) -> Runner:
        running = runner(graph, **options)
        running.start()
        assert running.wait(20), "the flow did not end"
        running.stop()
        return running

    return run_to_end
