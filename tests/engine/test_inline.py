"""A flow called like a function."""

from __future__ import annotations

import pytest
from support.flows import Awaiting, Fails, Find, Frames, HeavyFind, Hold, Keep, Pass, Read, Reads, graph_of

from flowalpr.engine.inline import Inline
from flowalpr.errors import FlowError
from flowalpr.testing import plate_frame


def test_each_frame_gives_its_own_reads_also_through_heavy_and_async_nodes():
    graph = graph_of(
        ("gate", Frames(), ""),
        ("find", HeavyFind(), "gate"),
        ("read", Read(), "find"),
        ("send", Awaiting(), "read"),
        ("k", Keep(), "send read"),
    )
    inline = Inline(graph)
    inline.open()
    for number in (3, 1, 4):
        reads, faults = inline.read(plate_frame(number=number))
        assert [read.text for read in reads] == [f"P{number:05}"]
        assert not faults
    inline.close()


def test_a_failing_node_is_told_with_the_frame_it_failed_on():
    inline = Inline(
        graph_of(
            ("g", Frames(), ""),
            ("f", Find(), "g"),
            ("r", Read(), "f"),
            ("fails", Fails(every=2), "r"),
            ("k", Keep(), "fails"),
        )
    )
    inline.open()
    assert [len(inline.read(plate_frame(number=number))[1]) for number in range(4)] == [0, 1, 0, 1]


def test_what_nodes_hold_back_comes_at_the_end():
    inline = Inline(
        graph_of(
            ("g", Frames(), ""), ("f", Find(), "g"), ("r", Read(), "f"), ("hold", Hold(), "r"), ("p", Pass(), "hold")
        )
    )
    inline.open()
    assert inline.read(plate_frame(number=7)) == ([], [])
    assert [read.text for read in inline.finish()[0]] == ["P00007"]


def test_a_flow_without_a_source_of_frames_cannot_read_pictures():
    with pytest.raises(FlowError, match="has no source of frames"):
        Inline(graph_of(("tape", Reads(), ""), ("keep", Keep(), "tape")))
