"""Reads YAML and remembers line and column of every value; no input, however hostile, costs more than it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
)
from ruamel.yaml.reader import ReaderError

from flowalpr.errors import FlowError, Place, Problem
from flowalpr.flow.values import MAX_VALUES, Mapping, Scalar, Sequence, Value, resolve

MAX_BYTES = 256_000
"""Largest flow file: about 4000 nodes, which take two seconds to read."""
MAX_DEPTH = 30
"""Deepest nesting of lists and mappings."""

_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # The same that ruamel.yaml counts.
_YAML_HINTS = (
    ("\\t", "indent with spaces; YAML does not take tabs"),
    ("mapping values are not allowed", "check the indentation, and put text that contains ': ' in quotes"),
    ("found undefined alias", "name it with an & where it is first written, or put text that begins with * in quotes"),
    ("could not find expected ':'", "write `name: value`, with a space after the colon"),
    ("<block end>", "begin the line in the same column as the names it belongs to"),
    ("found character", "put text that begins with this character in quotes"),
)


def read_document(path: Path, shown: str | None = None) -> Mapping:
    """The mapping that a YAML file holds; `shown` is what errors call the file.

    Raises:
        FlowError: the file cannot be read, is too large, is not UTF-8 or YAML, or is no mapping.
    """
    name = shown or str(path)
    return parse_document(_text_of(path, name), name)


def parse_text(text: str, name: str) -> Mapping:
    """The mapping that a YAML text of unknown origin holds; errors call it `name`.

    Raises:
        FlowError: it is too large, not YAML, or no mapping.
    """
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise _too_large(name)
    return parse_document(text, name)


def parse_document(text: str, name: str) -> Mapping:
    """The mapping that a YAML text holds; errors call it `name`.

    Raises:
        FlowError: it is not YAML, or no mapping.
    """
    builder = _Builder(name, _LINE_BREAK.split(text))
    try:
        root = builder.build(text)
    except (YAMLError, ValueError, OverflowError) as error:  # ruamel passes on what chr() makes of "\UFFFFFFFF".
        raise FlowError([*builder.problems, builder.syntax_problem(error, text)]) from error
    if builder.problems:
        raise FlowError(builder.problems)
    return root


@dataclass(slots=True)
class _Open:
    """A list or mapping that is still being read."""

    place: Place
    is_mapping: bool
    anchor: str | None
    items: list[Value] = field(default_factory=list)


class _Builder:
    """Makes values of YAML events, without recursion."""

    def __init__(self, name: str, lines: list[str]) -> None:
        self.name, self.lines = name, lines
        self.problems: list[Problem] = []
        self._stack: list[_Open] = []
        self._anchors: dict[str, Value | None] = {}
        self._root: Value | None = None

    def build(self, text: str) -> Mapping:
        documents = 0
        for event in _events(text):
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if event.version or event.tags or documents > 1:
                    what = "a second document begins here" if documents > 1 else "YAML directives have no meaning here"
                    raise FlowError([Problem(what, fix="remove the line", place=self._place(event))])
            elif isinstance(event, NodeEvent):
                self._node(event)
            elif isinstance(event, (MappingEndEvent, SequenceEndEvent)):
                self._close()
        if isinstance(self._root, Mapping):
            return self._root
        found = "a list" if isinstance(self._root, Sequence) else "text"
        empty = self._root is None or (isinstance(self._root, Scalar) and self._root.value is None)
        what = "the file is empty" if empty else f"a flow file holds names and values, not {found}"
        place = self._root.place if self._root and not empty else Place(self.name, 1, 1)
        raise FlowError([Problem(what, "at least `nodes:` with one node below it", place=place)])

    def syntax_problem(self, error: Exception, text: str) -> Problem:
        """What YAML's own reader complains about, with a hint."""
        if isinstance(error, ReaderError):
            line = len(_LINE_BREAK.findall(text[: error.position])) + 1
            what = f"the character U+{ord(text[error.position]):04X} is not allowed in YAML"
            return Problem(f"{what}; is this a text file?", "a flow file: YAML text", place=self._at(line, 1, 1))
        mark = error.problem_mark or error.context_mark if isinstance(error, MarkedYAMLError) else None
        place = self._at(mark.line + 1, mark.column + 1, 1) if mark else Place(self.name, 1, 1)
        said = error.problem if isinstance(error, MarkedYAMLError) and error.problem else str(error)
        fix = next((hint for word, hint in _YAML_HINTS if word in said), "")
        if "${" in place.source and "{" in place.source.partition("${")[0]:
            fix = 'inside { } put it in quotes: "${NAME}"'
        return Problem(f"not YAML: {said.strip().splitlines()[0]}", fix=fix, place=place)

    def _node(self, event: NodeEvent) -> None:
        place = self._place(event)
        if isinstance(event, AliasEvent):
            self._put(self._aliased(event.anchor, place))
            return
        if event.anchor:
            self._anchors[event.anchor] = None
        if event.tag:  # type: ignore[attr-defined]  # Scalars, lists and mappings all have one.
            self.problems.append(Problem("a YAML tag has no meaning here", fix="remove it", place=place))
        if isinstance(event, CollectionStartEvent):
            if len(self._stack) == MAX_DEPTH:
                raise FlowError([Problem(f"nested more than {MAX_DEPTH} deep", fix="nest less", place=place)])
            self._stack.append(_Open(place, isinstance(event, MappingStartEvent), event.anchor))
        elif isinstance(event, ScalarEvent):
            value = resolve(event.value) if event.implicit[0] else event.value
            self._put(Scalar(event.value, value, place, quoted=not event.implicit[0]), event.anchor)

    def _aliased(self, anchor: str, place: Place) -> Value:
        if anchor not in self._anchors:
            fix = f"write &{anchor} before the value that is meant, or put text that begins with * in quotes"
            raise FlowError([Problem(f"nothing above is named &{anchor}", fix=fix, place=place)])
        value = self._anchors[anchor]
        if value is None:
            raise FlowError([Problem(f"*{anchor} stands inside what it repeats", fix="remove it", place=place)])
        return value

    def _close(self) -> None:
        done = self._stack.pop()
        items = tuple(self._entries(done.items)) if done.is_mapping else ()
        made = Mapping(items, done.place) if done.is_mapping else Sequence(tuple(done.items), done.place)
        if made.weight > MAX_VALUES:
            what = f"more than {MAX_VALUES} values, aliases (*name) written out"
            raise FlowError([Problem(what, fix="use fewer aliases", place=done.place)])
        self._put(made, done.anchor)

    def _entries(self, items: list[Value]) -> Iterator[tuple[Scalar, Value]]:
        seen: dict[str, Place] = {}
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, Scalar):
                what = "a list or mapping cannot be a name"
                fix = 'inside { } put it in quotes: "${NAME}"' if "${" in key.place.source else ""
                self.problems.append(Problem(what, fix=fix, place=key.place))
            elif key.text == "<<" and not key.quoted:
                fix = "write the keys out, or describe what repeats once in a subflow"
                self.problems.append(Problem("merge keys (<<) are not taken", fix=fix, place=key.place))
            elif key.text in seen:
                what = f"'{key.text}' is here twice, first in line {seen[key.text].line}"
                self.problems.append(Problem(what, fix="remove or rename one of them", place=key.place))
            else:
                seen[key.text] = key.place
                if isinstance(value, Scalar) and not (value.text or value.quoted):
                    value = replace(value, place=key.place)  # YAML puts an empty value where the next one begins.
                yield key, value

    def _put(self, value: Value, anchor: str | None = None) -> None:
        if anchor:
            self._anchors[anchor] = value
        if self._stack:
            self._stack[-1].items.append(value)
        else:
            self._root = value

    def _place(self, event: Event) -> Place:
        start, end = event.start_mark, event.end_mark
        length = end.index - start.index if isinstance(event, (ScalarEvent, AliasEvent)) else 1
        return self._at(start.line + 1, start.column + 1, length)

    def _at(self, line: int, column: int, length: int) -> Place:
        source = self.lines[line - 1] if line <= len(self.lines) else ""
        return Place(self.name, line, column, max(1, min(length, len(source) - column + 1)), source)


def _events(text: str) -> Iterator[Event]:
    return iter(YAML(typ="safe", pure=True).parse(text))


def _too_large(name: str) -> FlowError:
    what = f"{name} is larger than a flow file can be ({MAX_BYTES // 1000} kB)"
    return FlowError([Problem(what, fix="describe what repeats once, in a subflow")])


def _text_of(path: Path, name: str) -> str:
    try:
        if not path.is_file():  # A pipe would block, a device would never end.
            what = f"{name} is not a file" if path.exists() else f"there is no file {name}"
            raise FlowError([Problem(what, fix="give the path of a flow file")])
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path.
        raise FlowError([Problem(f"{name} cannot be read: {error}")]) from error
    if len(content) > MAX_BYTES:
        raise _too_large(name)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        what = f"byte 0x{content[error.start]:02X} is not UTF-8 text"
        fix = "save the file as UTF-8 (is it a flow file at all?)"
        raise FlowError([Problem(what, fix=fix, place=Place(name, line, 1))]) from error
