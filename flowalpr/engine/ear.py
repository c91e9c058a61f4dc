"""An ear: what a node gives, told to somebody outside the flow, for whom the flow never waits."""

from __future__ import annotations

from collections.abc import Callable

from flowalpr.engine.faults import log
from flowalpr.engine.step import Entry
from flowalpr.engine.wire import Wire
from flowalpr.flow.graph import FlowNode, Graph
from flowalpr.messages import Message

Hear = Callable[[Message], None]
"""Called in the node's own thread with each message that it gives; must return at once."""
Listen = Callable[[FlowNode, Graph], "Hear | None"]
"""Who hears what that node of that flow gives, if anybody."""


class Ear(Wire[Entry]):
    """A wire out of the flow: it holds nothing, and what goes wrong at its end is logged once and stays there."""

    holds = 0

    def __init__(self, node: str, hear: Hear) -> None:
        super().__init__(lambda _: None, ())
        self._node = node
        self._hear = hear
        self._failed = False

    def put(self, message: Message) -> None:
        try:
            self._hear(message)
            self.passed += 1
        except Exception as error:
            self.dropped += 1
            if not self._failed:
                log.error("who listens failed", extra={"node": self._node, "error": type(error).__name__})
            self._failed = True

    def take(self) -> Message | None:
        return None

    def waiting(self) -> int:
        return 0
