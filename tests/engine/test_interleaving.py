"""No interleaving of threads loses, doubles or reorders a read of one camera, whatever the shape of the flow."""

from __future__ import annotations

import sys
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.flows import Awaiting, Frames, Heavy, Keep, Pass, Reads, graph_of

from flowalpr import Node
from flowalpr.engine.runner import Runner
from flowalpr.engine.wire import Inbox
from flowalpr.testing import plate_frame, plate_read

KINDS = {"pass": Pass, "heavy": Heavy, "await": Awaiting}
shapes = st.lists(st.tuples(st.sampled_from(sorted(KINDS)), st.integers(0, 5)), min_size=1, max_size=7)
"""A tree of nodes: the kind of each, and which of those before it (modulo their number) it receives from."""


@pytest.fixture(autouse=True)
def switch_threads_often():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shapes, st.integers(1, 120), st.integers(1, 120))
def test_every_leaf_receives_every_read_of_each_camera_in_order(tmp_path, shape, north, south):
    specs: list[tuple[str, Node, str]] = [("north", Reads(count=north), ""), ("south", Reads(count=south), "")]
    fed: set[str] = set()
    for number, (kind, choice) in enumerate(shape):
        feeder = f"n{choice % number}" if number else "north south"
        fed.add(feeder)
        specs.append((f"n{number}", KINDS[kind](), feeder))
    keeps = {f"n{number}": Keep() for number in range(len(shape)) if f"n{number}" not in fed}
    specs += [(f"keep-{leaf}", keep, leaf) for leaf, keep in keeps.items()]
    runner = Runner(graph_of(*specs), tmp_path / "dead.jsonl")
    runner.start()
    assert runner.wait(30)
    runner.stop()
    for keep in keeps.values():
        for camera, count in (("north", north), ("south", south)):
            own = [read.stamp.number for read in keep.kept() if read.stamp.camera == camera]
            assert own == list(range(count))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 4), st.integers(1, 300))
def test_a_full_wire_makes_its_sender_wait_and_loses_nothing(holds, count):
    inbox: Inbox[str] = Inbox()
    wire = inbox.attach("here", holds=holds)

    def send() -> None:
        for number in range(count):
            wire.put(plate_read("AB123", number=number))
        wire.close()

    sender = threading.Thread(target=send)
    sender.start()
    taken = []
    while True:
        try:
            arrived = inbox.next(10)
        except EOFError:
            break
        assert arrived is not None
        taken.append(arrived[1].stamp.number)
    sender.join(10)
    assert taken == list(range(count))
    assert wire.peak <= holds


def test_a_wire_of_a_live_source_keeps_the_latest_of_each_camera_in_turn():
    inbox: Inbox[str] = Inbox()
    wire = inbox.attach("here", holds=1, drops=True)
    for number in range(5):
        for camera in ("a", "b"):
            wire.put(plate_frame(camera=camera, number=number))
    taken = [arrived[1].stamp for arrived in (inbox.next(1), inbox.next(1)) if arrived]
    assert inbox.next(0.001) is None
    assert [(stamp.camera, stamp.number) for stamp in taken] == [("a", 4), ("b", 4)]
    assert (wire.dropped, wire.passed) == (8, 2)


def test_a_cut_wire_sets_a_waiting_sender_free():
    inbox: Inbox[str] = Inbox()
    wire = inbox.attach("here", holds=1)
    wire.put(plate_read())
    sender = threading.Thread(target=lambda: wire.put(plate_read()))
    sender.start()
    wire.cut()
    sender.join(10)
    assert not sender.is_alive()
    assert wire.dropped == 1


def test_a_live_camera_in_a_random_flow_never_makes_anyone_wait(tmp_path):
    keep = Keep()
    runner = Runner(
        graph_of(("cam", Frames(count=3000, live=True), ""), ("h", Heavy(), "cam"), ("k", keep, "h")), tmp_path / "d"
    )
    runner.start()
    assert runner.wait(30)
    runner.stop()
    order = [frame.stamp.number for frame in keep.kept()]
    assert order == sorted(set(order))
    assert order[-1] == 2999
