"""What a flow keeps of one person: gathered, erased or put right in every place that its nodes and we know of."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from flowalpr.errors import FlowalprError
from flowalpr.flow.graph import Graph
from flowalpr.node import Node
from flowalpr.state import state_folder
from flowalpr.storage.corrections import FOLDER, Corrections
from flowalpr.storage.erasing import erase_lines, lines_about, record_of_line
from flowalpr.subject import Subject

Record = dict[str, Any]  # Any: the values that JSON has, and bytes of pictures

LATER = "nothing is erased here until all else is, for the ids by which the rest is found are known here only"


@dataclass(frozen=True, slots=True, repr=False)
class Found:
    """What one place holds of a person, or what became of it there."""

    where: str
    """The node's name, or what else it is."""
    records: list[Record] = field(default_factory=list)
    count: int = 0
    trouble: str = ""
    """Why it could not be done here."""


def known(graph: Graph, subject: Subject) -> list[Found]:
    """All that is kept of a person, place by place; places that hold nothing are left out."""
    places = _places(graph)
    found = [_asked(name, partial(place.known_of, subject)) for name, place in places.items()]
    ids = subject.ids | _ids(each.records for each in found)
    wider = dataclasses.replace(subject, ids=ids)
    if ids != subject.ids:  # Pictures and queues go by the ids that a store knows.
        found = [_asked(name, partial(place.known_of, wider)) for name, place in places.items()]
    letters = [record for path in dead_letters(graph) for record in lines_about(path, wider)]
    found.append(Found("dead letters", letters, len(letters)))
    return [each for each in found if each.count or each.trouble]


def erase(graph: Graph, subject: Subject) -> list[Found]:
    """Erase a person everywhere; what could not be is told.

    Places that know the ids of the reads come last, and only when all others are done: a second try needs the ids.
    """
    before = known(graph, subject)
    knows_ids = {each.where for each in before if _ids([each.records])}
    subject = dataclasses.replace(subject, ids=subject.ids | _ids(each.records for each in before))
    places = {name: partial(place.forget, subject) for name, place in _places(graph).items()}
    done = [_done(name, forget) for name, forget in places.items() if name not in knows_ids]
    done += [_done("dead letters", partial(_cleared, path, subject)) for path in dead_letters(graph)]
    held_up = any(each.trouble for each in done)
    for name in [each for each in places if each in knows_ids]:
        done.append(Found(name, trouble=LATER) if held_up else _done(name, places[name]))
    return [each for each in done if each.count or each.trouble]


def correct(graph: Graph, subject: Subject, text: str) -> list[Found]:
    """Write the plate anew wherever it was misread; what could not be is told."""
    done = [_done(name, partial(place.correct, subject, text)) for name, place in _places(graph).items()]
    return [each for each in done if each.count or each.trouble]


def dead_letters(graph: Graph) -> tuple[Path, ...]:
    """The files of messages that failed, which hold plates."""
    folder = state_folder(graph.name)
    return folder / "dead-letters.jsonl", folder / "dead-letters.jsonl.1"


def _places(graph: Graph) -> dict[str, Node | Corrections]:
    """All that keeps something of a person: the nodes, and the queue of corrected plates for training."""
    nodes: dict[str, Node | Corrections] = {name: each.node for name, each in graph.nodes.items()}
    return {**nodes, "training queue": Corrections(state_folder(graph.name) / FOLDER)}


def _cleared(path: Path, subject: Subject) -> int:
    return erase_lines(path, lambda line: not subject.is_in(record_of_line(line)))


def _asked(where: str, ask: Callable[[], Iterable[Record]]) -> Found:
    try:
        records = list(ask())
    except FlowalprError as error:
        return Found(where, trouble=str(error))
    return Found(where, records, len(records))


def _done(where: str, do: Callable[[], int]) -> Found:
    try:
        return Found(where, count=do())
    except FlowalprError as error:
        return Found(where, trouble=str(error))


def _ids(groups: Iterable[list[Record]]) -> frozenset[str]:
    """The ids of reads in records, by which other places know them."""
    named = (record.get(name) for records in groups for record in records for name in ("id", "read"))
    return frozenset(each for each in named if isinstance(each, str) and len(each) >= 16)
