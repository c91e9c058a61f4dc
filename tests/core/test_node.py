"""A node's ports are the type hints of its `process`, and its fields are its settings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from pydantic import ValidationError

from flowalpr import Detections, Fault, Fraction, Frame, Message, Node, PlateRead
from flowalpr.node import node_name
from flowalpr.testing import feed, plate_frame, plate_read

M = TypeVar("M", bound=Message)


class Source(Node):
    def process(self) -> Iterator[Frame | Fault]:
        yield plate_frame()


class AsyncSource(Node):
    async def process(self) -> AsyncIterator[Frame]:
        yield plate_frame()


class Finder(Node):
    def process(self, frame: Frame) -> Detections | None: ...


class Reader(Node):
    def process(self, found: Detections) -> Iterable[PlateRead]: ...


class AnyFilter(Node):
    def process(self, message: M) -> M | None:
        return message


class ReadFilter(Node):
    def process(self, read: PlateRead) -> PlateRead | None: ...


class ManyOfAny(Node):
    def process(self, message: M) -> list[M]: ...


class TwoKindsSink(Node):
    async def process(self, message: PlateRead | Detections) -> None: ...


class Catch(Node):
    def process(self, fault: Fault) -> None: ...


class Turns(Node):
    def process(self, read: PlateRead) -> Frame: ...


@pytest.mark.parametrize(
    ("node", "kind", "takes", "gives", "is_async"),
    [
        (Source, "source", (), Frame, False),
        (AsyncSource, "source", (), Frame, True),
        (Finder, "detect", (Frame,), Detections, False),
        (Reader, "ocr", (Detections,), PlateRead, False),
        (AnyFilter, "filter", (Message,), Message, False),
        (ManyOfAny, "filter", (Message,), Message, False),
        (ReadFilter, "filter", (PlateRead,), PlateRead, False),
        (TwoKindsSink, "sink", (PlateRead, Detections), None, True),
        (Catch, "sink", (Fault,), None, False),
        (Turns, "convert", (PlateRead,), Frame, False),
    ],
)
def test_ports_and_kind_follow_from_the_hints(node, kind, takes, gives, is_async):
    ports = node.ports()
    assert (ports.kind, ports.takes, ports.gives, ports.is_async) == (kind, takes, gives, is_async)


def test_a_filter_of_anything_gives_what_it_is_given():
    assert AnyFilter.ports().given(PlateRead) is PlateRead
    assert ReadFilter.ports().given(PlateRead) is PlateRead
    assert AnyFilter.ports().accepts(Frame)
    assert not ReadFilter.ports().accepts(Frame)


def define(process: object) -> type[Node]:
    return type("Wrong", (Node,), {"process": process, "__module__": __name__})


def without_types(self, read): ...
def without_result(self, read: PlateRead): ...
def with_two(self, read: PlateRead, other: PlateRead) -> None: ...
def with_text(self, text: str) -> None: ...
def with_two_results(self, frame: Frame) -> PlateRead | Detections: ...
def with_unknown(self, frame: Unseen) -> None: ...  # type: ignore[name-defined]  # noqa: F821  # The mistake under test.


@pytest.mark.parametrize(
    ("process", "words"),
    [
        (without_types, "state the types of what it takes and gives"),
        (without_result, "state the types of what it takes and gives"),
        (with_two, "take at most one message"),
        (with_text, "is not a message; derive it from flowalpr.Message"),
        (with_two_results, "a node has one output"),
        (with_unknown, "must be imported at run time"),
    ],
)
def test_a_wrong_process_is_an_error_where_the_class_is_made_in_words_for_its_author(process, words):
    with pytest.raises(TypeError, match=f"Wrong.process.*{words}"):
        define(process)


class Settings(Node):
    at_least: Fraction = 0.5

    def process(self, read: PlateRead) -> None: ...


def test_settings_are_checked_frozen_and_closed():
    with pytest.raises(ValidationError, match="less than or equal to 1"):
        Settings(at_least=2)
    with pytest.raises(ValidationError, match="at_most"):
        Settings(at_most=1)
    with pytest.raises(ValidationError, match="frozen"):
        Settings().at_least = 0.1  # type: ignore[misc]  # The mistake under test.


def test_the_name_in_flow_files_follows_from_the_class():
    assert [node_name(each) for each in (Finder, AnyFilter, TwoKindsSink)] == ["finder", "any_filter", "two_kinds_sink"]


def test_a_node_is_called_by_its_class_until_a_flow_places_it():
    node = Source()
    assert node.name == "source"
    node.place("gate")
    assert node.name == "gate"


class Counts(Node):
    """Keeps a count, and gives it away at the end of time only."""

    _opened: bool = False
    _closed: bool = False
    _held: list[PlateRead]

    def open(self) -> None:
        self._opened, self._held = True, []

    async def process(self, read: PlateRead) -> PlateRead | None:
        self._held.append(read)
        return None

    async def due(self, now) -> list[PlateRead]:
        ripe = [read for read in self._held if (now - read.stamp.time).total_seconds() > 5]
        self._held = [read for read in self._held if read not in ripe]
        return ripe

    async def close(self) -> None:
        self._closed = True

    def is_closed(self) -> bool:
        return self._opened and self._closed


def test_feed_opens_asks_what_is_due_and_closes_also_a_node_written_async():
    node = Counts()
    given = feed(node, plate_read("ONE11", at=0), plate_read("TWO22", at=6))
    assert [read.text for read in given] == ["ONE11", "TWO22"]
    assert node.is_closed()


def test_feed_asks_a_source_for_all_it_has():
    assert len(feed(Source())) == len(feed(AsyncSource())) == 1


def test_a_node_has_a_home_of_its_own_in_its_flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWALPR_STATE", str(tmp_path))
    homes = set()
    for flow, name in (("gate", "send"), ("gate", "left/send"), ("yard", "send")):
        node = Source()
        node.place(name, flow=flow)
        homes.add(str(node.home.relative_to(tmp_path)))
    assert homes == {"gate/send", "gate/left.send", "yard/send"}
    assert list(tmp_path.iterdir()) == []
