"""Pictures that come over an MQTT broker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from flowalpr import Fault, Frame, Stamp, now
from flowalpr_builtin.broker.listening import Listening

LENIENCE = 4
"""How many times too large a picture may be and still come, so that it can be said."""


class MqttIn(Listening):
    """Give each picture (JPEG, PNG ...) that is published on a topic as a frame, with the time at which it came.

    What the broker had kept from before (retained) is left out, for it shows what has long passed. As with any live
    camera, only the latest picture counts when more come than the flow can take. A broker that is away is tried again
    and again; what is published meanwhile is not given.
    """

    megabytes: Annotated[float, Field(gt=0, le=256)] = 20.0
    """A larger picture is an error; one of more than four times that is kept back by the broker (MQTT 5), unsaid."""

    def is_steady(self) -> bool:
        return False

    def process(self) -> Iterator[Frame | Fault]:
        for message in self._messages(most_bytes=int(self.megabytes * 1_000_000) * LENIENCE):
            yield self._frame(message.topic, bytes(message.payload))

    def _frame(self, topic: str, content: bytes) -> Frame | Fault:
        from flowalpr.vision.image import PictureError, decode

        if len(content) > self.megabytes * 1_000_000:
            return Fault(f"the picture on {topic} has {len(content) / 1e6:.1f} MB; {self.megabytes:g} are allowed")
        try:
            image = decode(content, f"the picture on {topic}")
        except PictureError as error:
            return Fault(error.in_one_line())
        self._number += 1
        return Frame(image, Stamp(self._camera(topic), now(), self._number - 1))
