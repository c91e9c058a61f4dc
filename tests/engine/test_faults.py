"""The breaker, and the dead-letter file when the disk will not have it."""

from __future__ import annotations

import json
from datetime import datetime, timezone

from support.flows import Reads, graph_of

from flowalpr import Node, PlateRead
from flowalpr.engine.faults import DEAD_LETTERS_HOLD, DEAD_LETTERS_STAY, TRIP_AFTER, Breaker, DeadLetters, fault_of
from flowalpr.engine.segment import Segment
from flowalpr.engine.step import Step
from flowalpr.messages import Fault
from flowalpr.testing import plate_read


class Hand:
    """A clock that is moved by hand; it gives seconds."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Sick(Node):
    """Fails while it is sick."""

    _sick: bool = True
    _calls: int = 0

    def process(self, read: PlateRead) -> None:
        self._calls += 1
        if self._sick:
            raise OSError("no space left")

    def heal(self) -> None:
        self._sick = False

    def calls(self) -> int:
        return self._calls


def sick_step(clock: Hand, uncaught: list[Fault]) -> tuple[Sick, Step, Segment]:
    node = Sick()
    graph = graph_of(("tape", Reads(), ""), ("sick", node, "tape"))
    step = Step(graph.nodes["sick"], uncaught.append, lambda awaitable: awaitable, Breaker(clock))
    return node, step, Segment("sick", [step])


def test_a_node_that_keeps_failing_rests_is_tried_again_and_works_on_once_healed():
    clock, uncaught = Hand(), []
    node, step, segment = sick_step(clock, uncaught)
    for number in range(TRIP_AFTER):
        segment.handle((step,), plate_read(f"A{number}"))
    assert step.meter.state == "resting 1 s: OSError: no space left"
    segment.handle((step,), plate_read("RESTS"))
    assert node.calls() == TRIP_AFTER
    clock.now += 1.0
    segment.handle((step,), plate_read("TRIED"))
    assert node.calls() == TRIP_AFTER + 1
    assert step.meter.state == "resting 2 s: OSError: no space left"
    clock.now += 2.0
    node.heal()
    segment.handle((step,), plate_read("GOOD"))
    segment.handle((step,), plate_read("BETTER"))
    assert step.meter.state == "running"
    assert [fault.message.text for fault in uncaught] == [*(f"A{n}" for n in range(TRIP_AFTER)), "RESTS", "TRIED"]
    assert (step.meter.errors, step.meter.dropped) == (TRIP_AFTER + 1, 1)


def test_errors_with_successes_between_never_trip_the_breaker():
    breaker = Breaker(Hand())
    for _ in range(50):
        assert all(breaker.failed() == 0 for _ in range(TRIP_AFTER - 1))
        breaker.worked()


def test_rests_grow_to_a_minute_and_no_further():
    breaker = Breaker(Hand())
    rests = [breaker.failed() for _ in range(TRIP_AFTER + 9)]
    assert [rest for rest in rests if rest] == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]


def test_a_full_disk_costs_the_dead_letter_and_is_said_once(caplog):
    letters = DeadLetters(path_to_a_full_disk())
    for _ in range(3):
        letters.add(fault_of("node", ValueError("bad"), plate_read()))
    assert letters.count == 3
    assert caplog.messages.count("dead letters cannot be written") == 1


def path_to_a_full_disk():
    from pathlib import Path

    return Path("/dev/full")


def test_dead_letters_are_erased_by_age(tmp_path):
    letters = DeadLetters(tmp_path / "dead.jsonl")
    before = datetime.now(timezone.utc)
    letters.add(fault_of("node", ValueError("bad"), plate_read("FIRST1")))
    letters.path.replace(tmp_path / "dead.jsonl.1")
    letters.add(fault_of("node", ValueError("bad"), plate_read("THEN22")))
    between = datetime.now(timezone.utc)
    letters.add(fault_of("node", ValueError("bad"), plate_read("LAST33")))
    letters.sweep(before + DEAD_LETTERS_STAY)
    assert "FIRST1" in (tmp_path / "dead.jsonl.1").read_text()
    letters.sweep(between + DEAD_LETTERS_STAY)
    assert (tmp_path / "dead.jsonl.1").read_text() == ""
    assert [json.loads(line)["message"]["text"] for line in letters.path.read_text().splitlines()] == ["LAST33"]


def test_the_dead_letter_file_is_bounded_and_keeps_the_latest(tmp_path):
    path = tmp_path / "dead.jsonl"
    path.write_bytes(b"x" * (DEAD_LETTERS_HOLD - 10))
    letters = DeadLetters(path)
    letters.add(fault_of("node", ValueError("bad"), plate_read("KEPT1")))
    assert json.loads(path.read_text())["message"]["text"] == "KEPT1"
    assert path.with_suffix(".jsonl.1").stat().st_size == DEAD_LETTERS_HOLD - 10
