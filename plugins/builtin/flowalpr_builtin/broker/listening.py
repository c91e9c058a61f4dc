"""What the sources share that listen to a topic of an MQTT broker."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, field_validator

from flowalpr_builtin.broker.settings import BrokerNode

if TYPE_CHECKING:
    import paho.mqtt.client as paho

    from flowalpr_builtin.broker.line import Line


class Listening(BrokerNode):
    """A live source that gives something for each message on a topic. Derive, and write `process` with `_messages`."""

    topic: Annotated[str, Field(min_length=1)]
    """The topic to listen to. What stands for a `+` in it is the camera's name: `cameras/+/jpeg`."""

    _line: Line | None = None
    _number: int = 0

    @field_validator("topic")
    @classmethod
    def _is_a_filter(cls, topic: str) -> str:
        levels = topic.split("/")
        if "\x00" in topic or any(len(level) > 1 and {"+", "#"} & set(level) for level in levels) or "#" in levels[:-1]:
            raise ValueError("in a topic, + stands for one whole level, and # for all the last ones")
        return topic

    def is_live(self) -> bool:
        return True

    def open(self) -> None:
        # The broker is reached in `process` only: one that is switched off must not keep the flow from starting.
        self._line = self.line(self.client or f"flowalpr-{uuid.uuid4().hex[:12]}")

    def close(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def _messages(self, most_bytes: int) -> Iterator[paho.MQTTMessage]:
        """What is published from now on; not what the broker has kept, which tells of what has long passed.

        Raises:
            ConnectionError: the broker cannot be reached or broke off; the engine then opens the node again.
        """
        from flowalpr_builtin.broker.line import LineError

        line = self._line
        if line is None:
            raise RuntimeError(f"{self.name} was not opened")
        line.most_bytes = most_bytes
        try:
            line.connect()
            line.subscribe(self.topic)
            while not self.wait(0):
                line.turn(0.2)
                yield from (message for message in line.messages if not message.retain)
                line.messages.clear()
        except LineError as error:
            raise ConnectionError(f"{self.where} {error}") from error

    def _camera(self, topic: str) -> str:
        """What stands for the first + of the setting, or the node's name."""
        pairs = zip(self.topic.split("/"), topic.split("/"), strict=False)
        return next((level for wanted, level in pairs if wanted == "+"), "") or self.name
