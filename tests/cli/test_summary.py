"""What a run amounts to, in a line."""

from __future__ import annotations

from pathlib import Path

from support.flows import Keep, Reads, graph_of

from flowalpr.cli.summary import headline
from flowalpr.engine.runner import Runner
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
