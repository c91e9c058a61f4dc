"""Where threads change, and why."""

from __future__ import annotations

from support.flows import Awaiting, Catch, Fails, Find, Frames, HeavyFind, Keep, Pass, Read, graph_of

from flowalpr.engine.plan import plan


def test_light_nodes_share_a_thread_and_heavy_ones_have_their_own():
    graph = graph_of(
        ("gate", Frames(), ""),
        ("find", HeavyFind(), "gate"),
        ("read", Read(), "find"),
        ("sure", Pass(), "read"),
        ("show", Keep(), "sure"),
        ("tap", Keep(), "find"),
        ("send", Awaiting(), "sure"),
    )
    cuts = {segment.nodes: segment.why for segment in plan(graph).segments}
    assert cuts == {
        ("gate",): "source",
        ("find",): "heavy",
        ("read", "sure", "show", "tap"): "after find",
        ("send",): "async",
    }


def test_siblings_behind_one_cut_receive_each_message_over_one_wire():
    graph = graph_of(("gate", Frames(), ""), ("a", Pass(), "gate"), ("b", Pass(), "gate"), ("k", Keep(), "a b"))
    (wire,) = plan(graph).wires
    assert (wire.source, wire.segment, wire.entries) == ("gate", "a", ("a", "b"))


def test_only_frames_that_come_from_live_cameras_alone_may_be_dropped():
    graph = graph_of(
        ("live", Frames(live=True), ""),
        ("tape", Frames(), ""),
        ("one", HeavyFind(), "live"),
        ("both", HeavyFind(), "live tape"),
        ("keep", Keep(), "one both"),
    )
    drops = {(wire.source, wire.segment): (wire.drops, wire.holds) for wire in plan(graph).wires}
    assert drops == {
        ("live", "one"): (True, 1),
        ("live", "both"): (True, 1),
        ("tape", "both"): (False, 2),
        ("one", "keep"): (False, 2),
        ("both", "keep"): (False, 2),
    }


def test_a_catch_node_has_its_own_thread_and_a_wire_from_each_node_it_catches_for():
    graph = graph_of(
        ("gate", Frames(), ""),
        ("find", Find(), "gate", "catch"),
        ("read", Read(), "find", "catch"),
        ("fails", Fails(), "read"),
        ("catch", Catch(), ""),
    )
    faults = [(wire.source, wire.segment) for wire in plan(graph).wires if wire.faults]
    assert faults == [("find", "catch"), ("read", "catch")]
    assert ("catch",) in [segment.nodes for segment in plan(graph).segments]
