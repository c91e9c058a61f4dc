"""The one class that plugin authors derive from, and how its ports are read from its `process`."""

from __future__ import annotations

import re
import threading
import typing
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from inspect import isasyncgenfunction, iscoroutinefunction
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, ClassVar, TypeVar, Union

from pydantic import BaseModel, ConfigDict, PrivateAttr

from flowalpr.exposure import Exposure
from flowalpr.findings import Finding
from flowalpr.messages import Detections, Fault, Frame, Message, PlateRead
from flowalpr.state import state_folder
from flowalpr.subject import Subject


@dataclass(frozen=True, slots=True)
class Ports:
    """What a node takes and gives, as the type hints of its `process` say."""

    takes: tuple[type[Message], ...]
    """The message classes it accepts; empty for a source."""
    gives: type[Message] | None
    """The message class it gives, or None for a sink."""
    same: bool = False
    """Whether it gives what it was given (its hint is a type variable)."""
    is_async: bool = False
    """Whether `process` is written with `async def`."""

    def accepts(self, given: type[Message]) -> bool:
        """Whether a message of that class may be wired in."""
        return any(issubclass(given, taken) for taken in self.takes)

    def given(self, taken: type[Message]) -> type[Message] | None:
        """The class that comes out when messages of class `taken` go in."""
        return taken if self.same else self.gives

    @property
    def kind(self) -> str:
        """`source`, `detect`, `ocr`, `filter`, `sink`, or `convert` for whatever is none of these."""
        if not self.takes:
            return "source"
        if self.gives is None:
            return "sink"
        if self.same or self.takes == (self.gives,):
            return "filter"
        if self.takes == (Frame,) and self.gives is Detections:
            return "detect"
        if self.takes == (Detections,) and self.gives is PlateRead:
            return "ocr"
        return "convert"


class Node(BaseModel):
    """A step of a flow. Its fields are its settings, the type hints of its `process` are its ports.

    Derive, add fields with defaults and a string under each as its help, and write `process`. Keep what you open or
    remember in private attributes (`_socket`), set in `open`. The class docstring is the node's manual page.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=False,
        hide_input_in_errors=False,
        defer_build=True,  # Until its settings are checked: of all nodes that are installed a flow uses a few.
    )

    heavy: ClassVar[bool] = False
    """Set it to True if `process` blocks or computes for more than a millisecond: the node gets its own thread."""

    _name: str = PrivateAttr("")
    _flow: str = PrivateAttr("")
    _stopping: threading.Event = PrivateAttr(default_factory=threading.Event)
    _tallies: dict[str, int] = PrivateAttr(default_factory=dict)
    _notes: dict[str, str] = PrivateAttr(default_factory=dict)

    @property
    def name(self) -> str:
        """The node's name in the flow; of a source, the camera's name in every stamp."""
        return self._name or node_name(type(self))

    @property
    def home(self) -> Path:
        """The folder for what the node must keep over restarts (a queue, a memory), its own alone; not made yet."""
        return state_folder(self._flow or "no-flow") / self.name.replace("/", ".")

    def is_live(self) -> bool:
        """Whether this source goes on whether or not anyone keeps up; frames of a live source may be dropped."""
        return False

    def can_wait(self) -> bool:
        """Whether this live source can be made to wait, so that no frame need be dropped: frames are sent to it."""
        return False

    def is_steady(self) -> bool:
        """Whether pictures of this live source come one after the other, so that silence means trouble.

        Where they come when something happens, nothing for hours is no fault.
        """
        return not self.can_wait()

    def is_back(self) -> bool:
        """Whether a live source that failed is there again and need not wait for the end of its pause.

        Asked every half second between two tries, so it must be cheap and answer within about a second. It should tell
        of a change, not of a state: what was there all the time, and yet failed, must wait.
        """
        return False

    def open(self) -> Any:  # Any: nothing, or an awaitable of a node written with `async def`
        """Acquire what `process` needs. Called once, before any message, in the thread that will call `process`.

        Raises:
            SetupError: if something is missing; its `fix` names the remedy.
        """

    # `process` is not declared here: each node's own type hints are its ports.

    def due(self, now: datetime) -> Any:  # Any: messages, or an awaitable of them
        """Messages whose time has come: several times a second, and last of all with `END_OF_TIME`.

        `now` is the time of the recording if all that reaches the node was recorded, else wall time (UTC, aware).
        """
        return ()

    def close(self) -> Any:  # Any: nothing, or an awaitable
        """Release what `open` acquired. Called once, also if `open` raised."""

    def exposes(self) -> Sequence[Exposure] | None:
        """Where this node lets plates get to, by its settings; `()` for nowhere, None if its author does not say.

        Asked before `open`, by `flowalpr privacy`; a sink that does not say is reported as unknown.
        """
        return None

    def examine(self) -> Iterable[Finding]:
        """What `flowalpr doctor` shall tell of this node: whether its server is reached, its model whole.

        Asked without `open`, in a thread of its own, perhaps while the same flow runs elsewhere. It may take 30 seconds
        and must change nothing; a `SetupError` that it raises is told as a finding too.
        """
        return ()

    def known_of(self, subject: Subject) -> Iterable[dict[str, Any]]:  # Any: the values that JSON has, and pictures
        """What this node keeps on disk of one plate, as plain records. Called outside of a running flow.

        A record may have `pictures`: the bytes of each, by its kind.

        Raises:
            SetupError: it cannot be read.
        """
        return ()

    def forget(self, subject: Subject) -> int:
        """Erase for good what this node keeps on disk of one plate, and say how many records that were.

        Raises:
            SetupError: it cannot be erased now, for example because a running flow uses it.
        """
        return 0

    def correct(self, subject: Subject, text: str) -> int:
        """Write a plate anew in what this node keeps on disk, and say in how many records.

        Raises:
            SetupError: it cannot be done now.
        """
        return 0

    def wait(self, seconds: float) -> bool:
        """Sleep, but wake at once when the flow stops; True if it does. For sources, in place of `time.sleep`."""
        return self._stopping.wait(seconds)

    def tally(self, what: str, number: int = 1) -> None:
        """Add to a figure of this node that the run's summary shows by that name, such as `too small`."""
        self._tallies[what] = self._tallies.get(what, 0) + number

    def tallies(self) -> dict[str, int]:
        """The figures so far; may be called from any thread."""
        return self._tallies.copy()

    def note(self, what: str, words: str) -> None:
        """Set what this node has to say under that name, for a monitor: `self.note("decoder", "h264, software")`."""
        self._notes[what] = words

    def notes(self) -> dict[str, str]:
        """What it says now; may be called from any thread."""
        return self._notes.copy()

    def state(self) -> str:
        """What it does, in words, where `live` or `running` does not say it all; may be called from any thread."""
        return ""

    def backlog(self) -> int:
        """How many messages it has taken that have not arrived where it sends them; may be called from any thread."""
        return 0

    def place(self, name: str, stopping: threading.Event | None = None, flow: str = "") -> None:
        """Tell the node its name, its flow's, and how it learns that the flow stops; called by the engine."""
        self._name = name
        self._flow = flow
        if stopping is not None:
            self._stopping = stopping

    @classmethod
    def ports(cls) -> Ports:
        """What this node takes and gives."""
        return _ports_of(cls)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:  # Any: pydantic's signature
        if "process" in cls.__dict__:
            _ports_of(cls)  # A missing or wrong hint fails at import, in front of the author.


def node_name(cls: type[Node]) -> str:
    """The name of a node class in flow files: `RateLimit` is `rate_limit`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()


@cache
def _ports_of(cls: type[Node]) -> Ports:
    process = getattr(cls, "process", None)
    if process is None:
        raise TypeError(f"node {cls.__name__} has no method `process`")
    try:
        hints = typing.get_type_hints(process)
    except NameError as error:
        raise TypeError(
            f"{cls.__name__}.process: {error}; the messages in its hints must be imported at run time, "
            "not under TYPE_CHECKING"
        ) from error
    code = process.__code__
    names = code.co_varnames[1 : code.co_argcount]
    if len(names) > 1 or "return" not in hints or any(name not in hints for name in names):
        raise TypeError(
            f"{cls.__name__}.process must take at most one message and state the types of what it takes and gives, "
            "for example `def process(self, read: PlateRead) -> PlateRead | None`"
        )
    takes = _classes(hints[names[0]], cls) if names else ()
    same = bool(names) and isinstance(hints[names[0]], TypeVar)
    gives = _classes(_unwrapped(hints["return"]), cls)
    if len(gives) > 1:
        raise TypeError(f"{cls.__name__}.process gives several kinds of messages; a node has one output")
    is_async = iscoroutinefunction(process) or isasyncgenfunction(process)
    return Ports(takes, gives[0] if gives else None, same and bool(gives), is_async)


def _unwrapped(hint: Any) -> Any:  # Any: type hints have no common class
    """The hint of one message from the hint of several (`Iterator[T]`, `list[T]`)."""
    origin = typing.get_origin(hint)
    if isinstance(origin, type) and issubclass(origin, (Iterable, AsyncIterator)):
        return typing.get_args(hint)[0]
    return hint


def _classes(hint: Any, cls: type[Node]) -> tuple[type[Message], ...]:  # Any: type hints have no common class
    """The message classes in a hint, without None and without `Fault` beside another class."""
    parts = typing.get_args(hint) if typing.get_origin(hint) in (Union, UnionType) else (hint,)
    found: list[type[Message]] = []
    for part in map(_unwrapped, parts):
        each = part.__bound__ if isinstance(part, TypeVar) else part
        if each is NoneType:
            continue
        if not (isinstance(each, type) and issubclass(each, Message)):
            raise TypeError(f"{cls.__name__}.process: {each!r} is not a message; derive it from flowalpr.Message")
        found.append(each)
    return tuple(each for each in found if each is not Fault or len(found) == 1)
