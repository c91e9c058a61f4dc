"""What a running flow promises: nothing lost from recordings, order kept, errors contained, an orderly end."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import datetime

import pytest
from pydantic import PrivateAttr
from support.flows import (
    Awaiting,
    Catch,
    Fails,
    Find,
    Frames,
    Gate,
    Heavy,
    HeavyFind,
    Hold,
    Keep,
    Pass,
    Read,
    Reads,
    graph_of,
)

from flowalpr import Frame, Message, Node, PlateRead, SetupError
from flowalpr.engine.segment import NotOpenedError
from flowalpr.testing import plate_frame, plate_read


def texts(keep: Keep) -> list[str]:
    return [message.text for message in keep.kept() if isinstance(message, PlateRead)]


def numbers(keep: Keep) -> list[int]:
    return [message.stamp.number for message in keep.kept() if isinstance(message, Frame)]


def test_a_recording_loses_no_frame_on_its_way_through_threads_and_the_event_loop(run):
    keep = Keep()
    run(
        graph_of(
            ("gate", Frames(count=200), ""),
            ("find", HeavyFind(), "gate"),
            ("read", Read(), "find"),
            ("await", Awaiting(), "read"),
            ("heavy", Heavy(), "await"),
            ("keep", keep, "heavy"),
        )
    )
    assert texts(keep) == [f"P{number:05}" for number in range(200)]


def test_two_cameras_through_one_detector_keep_their_own_order(run):
    keep = Keep()
    run(
        graph_of(
            ("north", Frames(count=100), ""),
            ("south", Frames(count=100), ""),
            ("find", HeavyFind(), "north south"),
            ("read", Read(), "find"),
            ("keep", keep, "read"),
        )
    )
    for camera in ("north", "south"):
        own = [each.stamp.number for each in keep.kept() if each.stamp.camera == camera]
        assert own == list(range(100))


def test_a_slow_detector_costs_a_live_camera_old_frames_and_keeps_the_latest(runner):
    gate = Gate()
    running = runner(graph_of(("cam", Frames(count=100, live=True), ""), ("gate", gate, "cam")))
    running.start()
    while running.snapshot().node("cam").state != "ended":
        running.wait(0.01)
    gate.lift()
    running.stop()
    kept = numbers(gate)
    assert kept[-1] == 99  # Which frame came first depends on who was quicker; the last must not be lost.
    assert len(kept) <= 2
    node = running.snapshot().node("gate")
    assert node.dropped + node.taken == 100
    assert node.inputs == ("cam",)


def test_a_recording_that_shares_a_slow_node_with_a_live_camera_loses_nothing(runner):
    gate = Gate()
    running = runner(
        graph_of(
            ("live", Frames(count=500, live=True), ""),
            ("tape", Frames(count=50), ""),
            ("gate", gate, "live tape"),
        )
    )
    running.start()
    while running.snapshot().node("live").state != "ended":
        running.wait(0.01)
    gate.lift()
    assert running.wait(20)
    assert [each.stamp.number for each in gate.kept() if each.stamp.camera == "tape"] == list(range(50))


def test_a_recording_waits_for_a_slow_sink_and_holds_only_two_frames_on_the_way(runner):
    gate = Gate()
    running = runner(graph_of(("tape", Frames(count=50), ""), ("gate", gate, "tape")))
    running.start()
    while not (wire := running.snapshot().wires[0]).blocked:
        running.wait(0.01)
    assert wire.peak == 2
    gate.lift()
    assert running.wait(20)
    assert numbers(gate) == list(range(50))


def test_reads_that_a_node_holds_back_come_out_in_recording_time_and_at_the_end(run):
    keep = Keep()
    run(graph_of(("tape", Reads(count=20), ""), ("hold", Hold(seconds=0.35), "tape"), ("keep", keep, "hold")))
    assert texts(keep) == [f"R{number:04}" for number in range(20)]


def test_an_error_costs_one_message_and_is_counted_and_kept_as_a_dead_letter(run):
    keep = Keep()
    running = run(graph_of(("tape", Reads(count=9), ""), ("fails", Fails(every=3), "tape"), ("keep", keep, "fails")))
    assert texts(keep) == ["R0000", "R0001", "R0003", "R0004", "R0006", "R0007"]
    node = running.snapshot().node("fails")
    assert (node.taken, node.errors, running.error) == (6, 3, None)
    letters = [json.loads(line) for line in running.dead_letters.path.read_text().splitlines()]
    assert [letter["message"]["text"] for letter in letters] == ["R0002", "R0005", "R0008"]
    assert running.dead_letters.path.stat().st_mode & 0o777 == 0o600


def test_the_words_of_an_error_never_hold_the_plate(run):
    running = run(graph_of(("tape", Reads(count=3), ""), ("fails", Fails(every=3), "tape"), ("keep", Keep(), "fails")))
    assert running.snapshot().node("fails").last_error == "ValueError: cannot bear R0•••"


def test_a_catch_node_receives_what_failed_and_no_dead_letter_is_written(run):
    catch = Catch()
    running = run(
        graph_of(
            ("tape", Reads(count=6), ""),
            ("fails", Fails(every=3), "tape", "catch"),
            ("keep", Keep(), "fails"),
            ("catch", catch, ""),
        )
    )
    assert [(fault.node, fault.message.text) for fault in catch.kept()] == [("fails", "R0002"), ("fails", "R0005")]
    assert running.dead_letters.count == 0


def test_on_error_stop_ends_the_flow_and_says_why(run):
    keep = Keep()
    running = run(
        graph_of(("tape", Reads(count=100), ""), ("fails", Fails(every=3), "tape", "stop"), ("keep", keep, "fails"))
    )
    assert "fails: ValueError" in str(running.error)
    assert texts(keep) == ["R0000", "R0001"]


class WrongType(Node):
    """Promises a read, gives a frame."""

    def process(self, read: PlateRead) -> PlateRead:
        return read.frame  # type: ignore[return-value]  # The mistake under test.


def test_a_node_that_gives_another_type_than_it_promises_is_at_fault(run):
    keep = Keep()
    running = run(graph_of(("tape", Reads(count=3), ""), ("wrong", WrongType(), "tape"), ("keep", keep, "wrong")))
    assert not keep.kept()
    assert running.snapshot().node("wrong").last_error == (
        "TypeError: process gave Frame, but its type hint promises PlateRead"
    )


class Scribbles(Node):
    """Draws on the frame itself."""

    def process(self, frame: Frame) -> Frame:
        frame.image[:] = 0
        return frame


def test_a_node_that_changes_a_frame_is_at_fault_and_the_frame_stays_whole(run):
    keep = Keep()
    running = run(
        graph_of(
            ("tape", Frames(count=2), ""),
            ("scribbles", Scribbles(), "tape"),
            ("keep", keep, "tape"),
        )
    )
    assert running.snapshot().node("scribbles").errors == 2
    assert all(frame.image.any() for frame in keep.kept())


def test_fan_out_copies_no_byte_of_the_picture(run):
    branches = [Keep() for _ in range(4)]
    run(
        graph_of(
            ("tape", Frames(count=1), ""),
            ("pass", Pass(), "tape"),
            *[(f"keep{number}", keep, "pass") for number, keep in enumerate(branches)],
        )
    )
    first = branches[0].kept()[0]
    assert all(keep.kept()[0] is first for keep in branches)


class NoRoom(Node):
    """A sink that cannot be opened."""

    def open(self) -> None:
        raise SetupError("the disk is not there", "mount /data")

    def process(self, message: Message) -> None: ...


def test_no_source_runs_when_a_node_cannot_open_and_those_opened_are_closed(runner):
    source = Frames(count=1)
    running = runner(graph_of(("tape", source, ""), ("keep", Keep(), "tape"), ("store", NoRoom(), "tape")))
    with pytest.raises(NotOpenedError, match=r"node 'store' cannot start: the disk is not there\n.*mount /data"):
        running.start()
    assert running.snapshot().node("tape").taken == 0
    assert not [thread for thread in threading.enumerate() if thread.name in ("flow keep", "flow tape")]


def test_a_broken_recording_ends_its_source_and_is_told(run):
    keep = Keep()
    running = run(graph_of(("tape", Frames(count=9, break_at=4), ""), ("keep", keep, "tape")))
    assert numbers(keep) == [0, 1, 2, 3]
    assert running.failed_sources() == ("tape",)


def test_a_live_source_that_fails_is_opened_anew_and_stops_at_once_when_asked(runner):
    camera = Frames(count=9, break_at=2, live=True)
    keep = Keep()
    running = runner(graph_of(("cam", camera, ""), ("keep", keep, "cam")))
    running.start()
    while not running.snapshot().node("cam").state.startswith("retry in"):
        running.wait(0.01)
    (seen,) = running.snapshot().cameras
    assert seen.state == running.snapshot().node("cam").state
    assert seen.state in ("retry in 1 s: the camera hung up", "retry in 0 s: the camera hung up")
    assert (seen.name, seen.frames, seen.width, seen.height) == ("cam", 2, 640, 360)
    running.stop()
    assert [each.state for each in running.snapshot().cameras] == ["ended"]
    assert running.left_behind == ()


class Stuck(Node):
    """A sink that never comes back."""

    def process(self, message: Message) -> None:
        threading.Event().wait(30)


def test_a_node_that_blocks_for_ever_is_left_behind_and_named(runner):
    keep = Keep()
    running = runner(
        graph_of(
            ("tape", Frames(count=1), ""), ("stuck", Stuck(), "tape"), ("heavy", Heavy(), "tape"), ("k", keep, "heavy")
        ),
        drain_for=0.2,
    )
    running.start()
    while not running.snapshot().node("k").taken:
        running.wait(0.01)
    running.stop()
    assert running.left_behind == ("stuck",)
    assert numbers(keep) == [0]


def test_stopping_a_recording_drains_what_is_on_the_way(runner):
    keep = Keep()
    running = runner(
        graph_of(
            ("tape", Frames(count=100_000), ""),
            ("find", HeavyFind(), "tape"),
            ("read", Read(), "find"),
            ("k", keep, "read"),
        )
    )
    running.start()
    while not keep.kept():
        running.wait(0.01)
    running.stop()
    snapshot = running.snapshot()
    assert snapshot.node("tape").given == snapshot.node("find").taken == len(keep.kept()) < 100_000


class Recorder:
    """A plugin that hears of flows."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, object]] = []

    def flowalpr_flow_started(self, name: str, nodes: object) -> None:
        self.heard.append((name, sorted(nodes)))

    def flowalpr_flow_stopped(self, name: str, error: object) -> None:
        self.heard.append((name, error))


def test_plugins_are_told_when_a_flow_starts_and_stops(run):
    recorder = Recorder()
    run(graph_of(("tape", Frames(count=1), ""), ("keep", Keep(), "tape")), hook=recorder)
    assert recorder.heard == [("test", ["keep", "tape"]), ("test", None)]


def test_find_in_the_same_thread_as_its_reader_gives_the_same(run):
    keep = Keep()
    running = run(
        graph_of(
            ("tape", Frames(count=30), ""), ("find", Find(), "tape"), ("read", Read(), "find"), ("k", keep, "read")
        )
    )
    assert texts(keep) == [f"P{number:05}" for number in range(30)]
    assert [wire.source for wire in running.snapshot().wires] == ["tape"]


class Silent(Node):
    """A source that gives one read, and then awaits something that never comes."""

    _log: list[str] = PrivateAttr(default_factory=list)

    def log(self) -> list[str]:
        return self._log

    async def process(self) -> AsyncIterator[PlateRead]:
        try:
            yield plate_read()
            await asyncio.Event().wait()
        finally:
            self._log.append("let go")


def test_a_source_that_awaits_for_ever_lets_go_when_the_flow_stops(runner):
    silent, keep = Silent(), Keep()
    running = runner(graph_of(("silent", silent, ""), ("keep", keep, "silent")))
    running.start()
    while not running.snapshot().node("keep").taken:
        running.wait(0.01)
    running.stop()
    assert running.left_behind == ()
    assert silent.log() == ["let go"]


class Untimely(Keep):
    """Keeps what it is given, and fails whenever time passes."""

    def due(self, now: datetime) -> list[PlateRead]:
        raise ValueError("no time")


class Watching(Node):
    """A live source that gives one frame and then none."""

    def is_live(self) -> bool:
        return True

    def process(self) -> Iterator[Frame]:
        yield plate_frame(camera=self.name)
        self.wait(20)


def test_a_due_that_keeps_failing_rests_without_its_node(runner):
    running = runner(graph_of(("cam", Watching(), ""), ("keep", Untimely(), "cam")))
    running.start()
    while running.snapshot().node("keep").errors < 5:
        running.wait(0.01)
    seen = running.snapshot().node("keep")
    assert seen.state == "running", "its `process` does not rest"
    running.stop()
    assert running.snapshot().node("keep").errors > seen.errors, "the end of time is told all the same"
