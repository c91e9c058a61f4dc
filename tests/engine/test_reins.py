"""Pausing, resuming and restarting nodes of a running flow."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

import pytest
from support.flows import Fails, Frames, Gate, Heavy, Keep, Reads, graph_of
from support.live import LiveFrames, LiveReads
from support.served import until

from flowalpr.engine.runner import NoSuchNodeError, Runner
from flowalpr.engine.segment import NotOpenedError


def state(running: Runner, node: str) -> str:
    return running.snapshot().node(node).state


class Unopenable(Heavy):
    """Opens once."""

    _opened: int = 0

    def open(self) -> None:
        self._opened += 1
        if self._opened > 1:
            raise OSError("the device is gone")


def test_a_paused_camera_gives_nothing_and_is_opened_anew_on_resume(runner: Callable[..., Runner]) -> None:
    camera, keep = LiveFrames(), Keep()
    running = runner(graph_of(("cam", camera, ""), ("keep", keep, "cam")))
    running.start()
    until(lambda: keep.kept())
    assert running.pause("cam") == ("cam",)
    until(lambda: state(running, "cam") == "paused")
    given = running.snapshot().node("cam").given
    assert running.snapshot().cameras[0].state == "paused"
    running.resume("cam")
    until(lambda: running.snapshot().node("cam").given > given)
    assert camera.opened() == 2
    running.stop()
    assert running.left_behind == ()


def test_a_paused_recording_stands_still_and_loses_nothing(runner: Callable[..., Runner]) -> None:
    keep = Keep()
    gate = Gate()
    running = runner(graph_of(("reads", Reads(count=200), ""), ("gate", gate, "reads"), ("keep", keep, "reads")))
    running.start()
    running.pause("reads")
    gate.lift()
    until(lambda: state(running, "reads") == "paused")
    assert running.snapshot().node("reads").given < 200
    running.resume("reads")
    assert running.wait(20)
    running.stop()
    assert len(keep.kept()) == 200


def test_before_a_paused_node_messages_wait_and_all_arrive_in_order(runner: Callable[..., Runner]) -> None:
    keep = Keep()
    running = runner(graph_of(("reads", LiveReads(), ""), ("slow", Heavy(), "reads"), ("keep", keep, "slow")))
    running.start()
    assert running.pause("slow") == ("slow",)
    running.graph.nodes["reads"].node.send(20)
    until(lambda: state(running, "slow") == "paused")
    until(lambda: running.snapshot().node("slow").waiting >= 19)
    assert running.snapshot().node("slow").taken == 0
    assert running.hanging(0.0) == ()
    running.resume("slow")
    until(lambda: len(keep.kept()) == 20)
    times = [each.stamp.time for each in keep.kept()]
    assert times == sorted(times)


def test_what_waits_before_a_paused_node_arrives_when_the_flow_stops(runner: Callable[..., Runner]) -> None:
    keep = Keep()
    running = runner(graph_of(("reads", LiveReads(), ""), ("slow", Heavy(), "reads"), ("keep", keep, "slow")))
    running.start()
    running.pause("slow")
    running.graph.nodes["reads"].node.send(10)
    until(lambda: running.snapshot().node("reads").given == 10)
    running.stop()
    assert len(keep.kept()) == 10


def test_a_node_is_restarted_in_its_own_thread_and_its_rest_is_forgiven(runner: Callable[..., Runner]) -> None:
    reads = LiveReads()
    keep = Keep()
    running = runner(graph_of(("reads", reads, ""), ("bad", Fails(every=1), "reads"), ("keep", keep, "bad")))
    running.start()
    reads.send(5)
    until(lambda: state(running, "bad").startswith("resting"))
    running.restart("bad").result(20)
    assert state(running, "bad") == "running"
    (first, *_) = running.troubles("bad")
    assert (first.node, first.camera) == ("bad", "reads")
    assert "cannot bear KX•••••" in first.error
    assert "KX77ABC" not in first.trace
    assert "in process" in first.trace


def test_a_node_that_cannot_be_opened_again_says_why(runner: Callable[..., Runner]) -> None:
    running = runner(
        graph_of(("reads", LiveReads(), ""), ("device", Unopenable(), "reads"), ("keep", Keep(), "device"))
    )
    running.start()
    with pytest.raises(NotOpenedError, match="node 'device' cannot start: OSError: the device is gone"):
        running.restart("device").result(20)
    assert state(running, "device") == "not open: OSError: the device is gone"


def test_a_recording_that_is_restarted_begins_anew(runner: Callable[..., Runner]) -> None:
    gate = Gate()
    frames = Frames(count=40)
    running = runner(graph_of(("clip", frames, ""), ("gate", gate, "clip")))
    running.start()
    done: Future[None] = running.restart("clip")
    gate.lift()
    assert running.wait(20)
    done.result(1)
    running.stop()
    numbers = [each.stamp.number for each in gate.kept()]
    assert numbers.count(0) == 2
    assert numbers[-40:] == list(range(40))


def test_nodes_that_are_not_there_or_have_ended_are_told(runner: Callable[..., Runner]) -> None:
    running = runner(graph_of(("reads", Reads(count=1), ""), ("keep", Keep(), "reads")))
    running.start()
    with pytest.raises(NoSuchNodeError, match="did you mean 'keep'"):
        running.pause("kep")
    running.stop()
    with pytest.raises(NoSuchNodeError, match="has ended"):
        running.restart("keep")


def test_a_flow_with_a_paused_inner_node_is_not_changed(runner: Callable[..., Runner]) -> None:
    specs = (("reads", LiveReads(), ""), ("slow", Heavy(), "reads"), ("keep", Keep(), "slow"))
    running = runner(graph_of(*specs))
    running.start()
    running.pause("slow")
    with pytest.raises(NotOpenedError, match="node 'slow' is paused: resume it first"):
        running.deploy(graph_of(*specs))


def test_an_errand_runs_in_the_thread_that_owns_the_flow(runner: Callable[..., Runner]) -> None:
    import threading

    running = runner(graph_of(("reads", LiveReads(), ""), ("keep", Keep(), "reads")))
    running.start()
    done = running.ask(threading.get_ident)
    assert not running.wait(0.2)
    assert done.result(0) == threading.get_ident()
