"""What a run amounts to, in a line."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console
from support.flows import Keep, Pass, Reads, graph_of

from flowalpr.cli.summary import headline, print_summary
from flowalpr.engine.runner import Runner
from flowalpr.flow.graph import Graph
from flowalpr_builtin.filters.vote import Vote


def summed_up(vote: Vote, folder: Path) -> str:
    runner = Runner(
        graph_of(("gate", Reads(count=1), ""), ("cars", vote, "gate"), ("kept", Keep(), "cars")), folder / "dead.jsonl"
    )
    runner.start()
    runner.wait()
    runner.stop()
    return headline(runner.snapshot())


def test_a_run_of_passages_counts_passages_also_if_none_was_read(tmp_path: Path) -> None:
    surely = Vote(smallest=0, alone=0, at_least=0)  # The plate of a test is black, and its reads weigh little.
    assert ", 1 passages read," in summed_up(surely, tmp_path)
    assert ", 0 passages read," in summed_up(Vote(), tmp_path)


def test_what_a_redeploy_replaced_is_told_to_be_counted_since_then(tmp_path: Path) -> None:
    def flow(label: str) -> Graph:
        return graph_of(("gate", Reads(count=1), ""), ("pass", Pass(label=label), "gate"), ("kept", Keep(), "pass"))

    runner = Runner(flow("old"), tmp_path / "dead.jsonl")
    runner.start()
    runner.deploy(flow("new"))
    runner.wait()
    runner.stop()
    told = io.StringIO()
    print_summary(runner.snapshot(), Console(file=told, width=200))
    assert "pass: counted since" in told.getvalue()
    assert "gate: counted since" not in told.getvalue()
