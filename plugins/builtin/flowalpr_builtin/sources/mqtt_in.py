"""Pictures that come over an MQTT broker."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, field_validator

from flowalpr import Fault, Frame, Stamp
from flowalpr_builtin.broker.settings import BrokerNode

if TYPE_CHECKING:
    from flowalpr_builtin.broker.line import Line


class MqttIn(BrokerNode):
    """Give each picture (JPEG, PNG ...) that is published on a topic as a frame, with the time at which it came.

    What the broker had kept from before (retained) is left out, for it shows what has long passed. As with any live
    camera, only the latest picture counts when more come than the flow can take. A broker that is away is tried again
    and again; what is published meanwhile is not given.
    """

    topic: Annotated[str, Field(min_length=1)]
    """Where pictures are published. What stands for a `+` is the camera's name: `cameras/+/jpeg`."""
    megabytes: Annotated[float, Field(gt=0, le=256)] = 20.0
    """A larger picture is refused."""

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
        self._line.most_bytes = int(self.megabytes * 1_000_000)

    def process(self) -> Iterator[Frame | Fault]:
        from flowalpr_builtin.broker.line import LineError

        line = self._line
        if line is None:
            return
        try:
            line.connect()
            line.subscribe(self.topic)
            while not self.wait(0):
                line.turn(0.2)
                for message in line.messages:
                    if not message.retain:
                        yield self._frame(message.topic, bytes(message.payload))
                line.messages.clear()
        except LineError as error:
            # Another connection is made by a Line of its own, which `open` makes.
            raise ConnectionError(f"{self.where} {error}") from error

    def close(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def _frame(self, topic: str, content: bytes) -> Frame | Fault:
        from flowalpr.vision.image import PictureError, decode

        if len(content) > self.megabytes * 1_000_000:
            return Fault(f"the picture on {topic} has {len(content) / 1e6:.1f} MB; {self.megabytes:g} are allowed")
        try:
            image = decode(content, f"the picture on {topic}")
        except PictureError as error:
            return Fault(" ".join(str(error).split()))
        self._number += 1
        return Frame(image, Stamp(self._camera(topic), datetime.now(timezone.utc), self._number - 1))

    def _camera(self, topic: str) -> str:
        """What stands for the first + of the setting, or the node's name."""
        pairs = zip(self.topic.split("/"), topic.split("/"), strict=False)
        return next((level for wanted, level in pairs if wanted == "+"), "") or self.name
