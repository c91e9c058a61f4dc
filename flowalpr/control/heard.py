"""What was heard in a running flow: its latest reads, and pictures while somebody looks at them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from functools import partial
from time import monotonic
from typing import Any

from flowalpr.engine.ear import Hear
from flowalpr.flow.graph import FlowNode, Graph
from flowalpr.messages import Detections, Frame, Message, Passage, PlateRead

KEPT = 500
"""Reads that are remembered with the picture of their plate, some 10 MB."""
LOOKS_FOR = 10.0
"""Seconds for which a camera's pictures are held after somebody has asked for one."""

Record = dict[str, Any]  # Any: the values that JSON has


@dataclass(frozen=True, slots=True, eq=False)
class HeardRead:
    """A read as it left a node."""

    read: PlateRead
    """Without its whole frame."""
    node: str
    heard: datetime
    live: bool
    """Whether wall time passes where it came from, so that its delay means something."""
    corrected: str = ""
    """What a person says that it reads."""

    def record(self) -> Record:
        """What `read.record()` holds, and the node, when it was heard, and the delay since its frame in ms."""
        delay = (self.heard - self.read.stamp.time).total_seconds() * 1000 if self.live else None
        return {
            **self.read.record(),
            "confidences": [round(each, 3) for each in self.read.confidences],
            "node": self.node,
            "heard": self.heard.isoformat(),
            "latency_ms": None if delay is None else round(delay, 1),
            "corrected": bool(self.corrected),
            **({"text": self.corrected} if self.corrected else {}),
        }


@dataclass(slots=True)
class Sight:
    """What is known of a camera's pictures."""

    count: int = 0
    came: float = 0.0
    """Monotonic time of the latest."""
    width: int = 0
    height: int = 0
    wanted_until: float = 0.0
    arrived: threading.Event = field(default_factory=threading.Event)
    """Set by a frame that came after somebody asked for one."""
    frame: Frame | None = None
    """The latest; held only while somebody looks."""
    found: Detections | None = None


class Heard:
    """Listens at the nodes of a flow; written in their threads, read in that of the door."""

    def __init__(self) -> None:
        self.sights: dict[str, Sight] = {}
        self._reads: OrderedDict[str, HeardRead] = OrderedDict()
        self._lock = threading.Lock()
        self._tell: Callable[[HeardRead], None] | None = None

    def listen(self, node: FlowNode, graph: Graph) -> Hear | None:
        """Who hears what that node gives: frames of sources, the last detections, and passages (else reads)."""
        given = node.gives
        if given is None:
            return None
        if node.is_source and issubclass(given, Frame):
            return self._hear_frame
        if issubclass(given, Detections):
            return None if _is_followed_by(Detections, node, graph) else self._hear_found
        has_passages = any(each.gives is not None and issubclass(each.gives, Passage) for each in graph.nodes.values())
        if issubclass(given, Passage if has_passages else PlateRead):
            return partial(self._hear_read, node.name, graph.live_source_reaches(node.name))
        return None

    def on_read(self, tell: Callable[[HeardRead], None] | None) -> None:
        """Have each new read told, in the thread of its node; None to have none told any more."""
        self._tell = tell

    def reads(self) -> list[HeardRead]:
        """The reads that are remembered, the latest first."""
        with self._lock:
            return list(reversed(self._reads.values()))

    def read(self, id: str) -> HeardRead | None:  # noqa: A002  # A read's id is called so everywhere.
        """The read of that id, if it is still remembered."""
        with self._lock:
            return self._reads.get(id)

    def correct(self, id: str, text: str) -> HeardRead | None:  # noqa: A002  # As above.
        """The read of that id with the text that a person says; None if it is not remembered."""
        with self._lock:
            known = self._reads.get(id)
            if known is None:
                return None
            new = self._reads[id] = replace(known, corrected=text)
        if self._tell is not None:
            self._tell(new)
        return new

    def want(self, camera: str) -> Sight | None:
        """What is known of that camera, whose pictures are now held for a while; None if it never gave any."""
        sight = self.sights.get(camera)
        if sight is not None:
            if sight.frame is None:
                sight.arrived.clear()
            sight.wanted_until = monotonic() + LOOKS_FOR
        return sight

    def _hear_frame(self, message: Message) -> None:
        if not isinstance(message, Frame):
            return
        sight = self.sights.get(message.stamp.camera)
        if sight is None:
            sight = self.sights.setdefault(message.stamp.camera, Sight())
        sight.count += 1
        sight.came = monotonic()
        sight.height, sight.width = message.image.shape[:2]
        if sight.came < sight.wanted_until:
            sight.frame = message
            sight.arrived.set()
        else:
            sight.frame = sight.found = None

    def _hear_found(self, message: Message) -> None:
        if isinstance(message, Detections):
            sight = self.sights.get(message.stamp.camera)
            if sight is not None:
                sight.found = message if monotonic() < sight.wanted_until else None

    def _hear_read(self, node: str, live: bool, message: Message) -> None:
        if not isinstance(message, PlateRead) or not (message.text or isinstance(message, Passage)):
            return
        new = HeardRead(message.detached(), node, datetime.now(timezone.utc), live)
        with self._lock:
            known = self._reads.pop(message.id, None)
            if known is not None and known.corrected:
                new = replace(new, corrected=known.corrected)
            self._reads[message.id] = new
            while len(self._reads) > KEPT:
                self._reads.popitem(last=False)
        if self._tell is not None and (known is None or known.read.record() != message.record()):
            self._tell(new)


def _is_followed_by(kind: type[Message], node: FlowNode, graph: Graph) -> bool:
    given = (graph.nodes[each].gives for each in graph.outputs(node.name))
    return any(each is not None and issubclass(each, kind) for each in given)
