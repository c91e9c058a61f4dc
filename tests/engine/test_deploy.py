"""A running flow is changed: what did not change goes on, and nothing is lost or reordered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import PrivateAttr
from support.flows import Catch, Fails, Frames, Gate, Heavy, Keep, Pass, Reads, graph_of

from flowalpr import Message, Node, PlateRead, SetupError
from flowalpr.engine.segment import NotOpenedError
from flowalpr.plugins import load_plugins


class Tape(Reads):
    """Reads that come one for each token given, so that a test decides when."""

    _given: int = PrivateAttr(0)
    _upto: int = PrivateAttr(0)

    def process(self) -> Iterator[PlateRead]:
        for read in super().process():
            while self._upto <= read.stamp.number:
                if self.wait(0.001):
                    return
            yield read

    def play(self, upto: int) -> None:
        self._upto = upto


def texts(*keeps: Keep) -> list[str]:
    return [message.text for keep in keeps for message in keep.kept() if isinstance(message, PlateRead)]


def until(runner, condition) -> None:
    for _ in range(2000):
        if condition():
            return
        runner.wait(0.005)
    raise AssertionError("it never happened")


def test_a_changed_filter_is_replaced_and_the_camera_goes_on(runner):
    tape, keep = Tape(count=400), Keep()
    running = runner(
        graph_of(("tape", tape, ""), ("pass", Pass(), "tape"), ("heavy", Heavy(), "pass"), ("keep", keep, "heavy"))
    )
    running.start()
    tape.play(200)
    until(running, lambda: keep.kept())
    new = Pass(label="new")
    changed = running.deploy(
        graph_of(
            ("tape", Tape(count=400), ""), ("pass", new, "tape"), ("heavy", Heavy(), "pass"), ("keep", Keep(), "heavy")
        )
    )
    tape.play(400)
    assert running.wait(20)
    assert changed == ("pass",)
    since = {each.name: each.since for each in running.snapshot().nodes}
    assert [name for name, when in since.items() if when is not None] == ["pass"]
    assert running.snapshot().node("pass").taken < 400, "what was replaced counts anew"
    assert texts(keep) == [f"R{number:04}" for number in range(400)]


def test_a_new_branch_gets_what_comes_after_it_was_added_and_the_old_one_loses_nothing(runner):
    tape, keep, extra = Tape(count=100), Keep(), Keep()
    running = runner(graph_of(("tape", tape, ""), ("heavy", Heavy(), "tape"), ("keep", keep, "heavy")))
    running.start()
    tape.play(50)
    until(running, lambda: len(keep.kept()) == 50)
    changed = running.deploy(
        graph_of(
            ("tape", Tape(count=100), ""),
            ("heavy", Heavy(), "tape"),
            ("keep", Keep(), "heavy"),
            ("extra", extra, "tape"),
        )
    )
    tape.play(100)
    assert running.wait(20)
    assert changed == ("extra",)
    assert texts(keep) == [f"R{number:04}" for number in range(100)]
    assert texts(extra) == [f"R{number:04}" for number in range(50, 100)]


def test_a_branch_taken_away_is_drained_and_closed(runner):
    tape, keep, extra = Tape(count=60), Keep(), Keep()
    running = runner(
        graph_of(("tape", tape, ""), ("heavy", Heavy(), "tape"), ("keep", keep, "heavy"), ("extra", extra, "tape"))
    )
    running.start()
    tape.play(30)
    until(running, lambda: len(keep.kept()) == 30)
    running.deploy(graph_of(("tape", Tape(count=60), ""), ("heavy", Heavy(), "tape"), ("keep", Keep(), "heavy")))
    tape.play(60)
    assert running.wait(20)
    assert texts(keep) == [f"R{number:04}" for number in range(60)]
    assert texts(extra) == [f"R{number:04}" for number in range(30)]
    assert "extra" not in [node.name for node in running.snapshot().nodes]


def test_a_second_camera_can_be_added_while_the_first_runs(runner):
    tape, keep = Tape(count=40), Keep()
    running = runner(graph_of(("tape", tape, ""), ("heavy", Heavy(), "tape"), ("keep", keep, "heavy")))
    running.start()
    tape.play(20)
    until(running, lambda: len(keep.kept()) == 20)
    running.deploy(
        graph_of(
            ("tape", Tape(count=40), ""),
            ("other", Reads(count=15), ""),
            ("heavy", Heavy(), "tape other"),
            ("keep", Keep(), "heavy"),
        )
    )
    tape.play(40)
    assert running.wait(20)
    by_camera = {camera: [m.text for m in keep.kept() if m.stamp.camera == camera] for camera in ("tape", "other")}
    assert by_camera == {
        "tape": [f"R{number:04}" for number in range(40)],
        "other": [f"R{number:04}" for number in range(15)],
    }


class Refuses(Node):
    """A sink that cannot be opened."""

    def open(self) -> None:
        raise SetupError("there is no such broker")

    def process(self, message: Message) -> None: ...


def test_a_change_that_cannot_be_opened_leaves_the_flow_as_it_was(runner):
    tape, keep = Tape(count=40), Keep()
    running = runner(graph_of(("tape", tape, ""), ("keep", keep, "tape")))
    running.start()
    tape.play(20)
    with pytest.raises(NotOpenedError, match="there is no such broker"):
        running.deploy(graph_of(("tape", Tape(count=40), ""), ("keep", Keep(), "tape"), ("mqtt", Refuses(), "tape")))
    tape.play(40)
    assert running.wait(20)
    assert texts(keep) == [f"R{number:04}" for number in range(40)]
    assert [node.name for node in running.snapshot().nodes] == ["tape", "keep"]


def test_on_error_can_be_led_to_another_node_without_replacing_the_one_that_fails(runner):
    tape, catch = Tape(count=9), Catch()
    before = graph_of(("tape", tape, ""), ("fails", Fails(every=3), "tape"), ("keep", Keep(), "fails"))
    running = runner(before)
    running.start()
    tape.play(5)
    until(running, lambda: running.snapshot().node("fails").errors == 1)
    changed = running.deploy(
        graph_of(
            ("tape", Tape(count=9), ""),
            ("fails", Fails(every=3), "tape", "catch"),
            ("keep", Keep(), "fails"),
            ("catch", catch, ""),
        )
    )
    tape.play(9)
    assert running.wait(20)
    assert changed == ("catch",)
    assert [fault.message.text for fault in catch.kept()] == ["R0005", "R0008"]
    assert running.dead_letters.count == 1


def test_a_replaced_live_camera_is_closed_before_the_flow_ends(runner):
    keep = Keep()
    running = runner(graph_of(("cam", Frames(count=5, live=True, break_at=3), ""), ("keep", keep, "cam")))
    running.start()
    until(running, lambda: running.snapshot().node("cam").state.startswith("retry"))
    changed = running.deploy(graph_of(("cam", Frames(count=4, live=True), ""), ("keep", Keep(), "cam")))
    assert running.wait(20)
    assert changed == ("cam",)
    assert keep.kept()[-1].stamp.number == 3


def test_a_recording_that_has_ended_stays_ended_when_what_follows_it_is_replaced(runner):
    other, keep = Tape(count=40), Keep()
    running = runner(graph_of(("short", Reads(count=5), ""), ("other", other, ""), ("keep", keep, "short other")))
    running.start()
    until(running, lambda: running.snapshot().node("short").state == "ended")
    new = Keep()
    running.deploy(
        graph_of(
            ("short", Reads(count=5), ""),
            ("other", Tape(count=40), ""),
            ("p", Pass(), "short other"),
            ("keep", new, "p"),
        )
    )
    other.play(40)
    assert running.wait(20)
    assert running.error is None
    assert sorted(texts(keep, new)) == sorted([f"R{n:04}" for n in range(5)] + [f"R{n:04}" for n in range(40)])


def test_a_recording_that_has_ended_can_be_changed_for_another(runner):
    other, keep = Tape(count=9), Keep()
    running = runner(
        graph_of(("short", Reads(count=5), ""), ("keep", keep, "short"), ("other", other, ""), ("k", Keep(), "other"))
    )
    running.start()
    until(running, lambda: running.snapshot().node("keep").state == "ended")
    again = Keep()
    running.deploy(
        graph_of(
            ("short", Reads(count=70), ""),
            ("keep", again, "short"),
            ("other", Tape(count=9), ""),
            ("k", Keep(), "other"),
        )
    )
    other.play(9)
    assert running.wait(20)
    assert texts(again) == [f"R{number:04}" for number in range(70)]


def test_a_sink_that_hangs_can_be_deployed_away(runner):
    tape, gate, keep = Tape(count=200), Gate(), Keep()
    running = runner(graph_of(("tape", tape, ""), ("gate", gate, "tape")), drain_for=0.2)
    running.start()
    tape.play(200)
    until(running, lambda: running.snapshot().wires[0].blocked)
    running.deploy(graph_of(("tape", Tape(count=200), ""), ("keep", keep, "tape")))
    assert running.wait(20)
    gate.lift()
    assert texts(keep)[-1] == "R0199"


def test_a_changed_password_in_a_url_is_a_change_though_it_is_never_printed():
    camera = load_plugins().find("camera").node
    one, other, same = (camera(url=f"rtsp://gate:{word}@10.0.0.5/main") for word in ("sesame", "simsim", "sesame"))
    graphs = [graph_of(("cam", node, ""), ("keep", Keep(), "cam")) for node in (one, other, same)]
    assert not graphs[0].nodes["cam"].same_as(graphs[1].nodes["cam"])
    assert graphs[0].nodes["cam"].same_as(graphs[2].nodes["cam"])
