"""Ticks at the bidding of an MQTT broker."""

from __future__ import annotations

from collections.abc import Iterator

from flowalpr import Stamp, Tick, now
from flowalpr_builtin.broker.listening import Listening

MOST_BYTES = 65_536
"""Of a message that says no more than a word."""


class MqttTrigger(Listening):
    """Give a tick for each message on a topic, as from an induction loop or a push button; see `latest`.

    What the broker had kept from before (retained) does not count, nor does what is published while it is away.
    """

    payload: str | None = None
    """Count only messages of exactly this text (`ON`); without it, all."""

    def process(self) -> Iterator[Tick]:
        for message in self._messages(MOST_BYTES):
            if self.payload is None or bytes(message.payload) == self.payload.encode():
                self._number += 1
                yield Tick(Stamp(self._camera(message.topic), now(), self._number - 1))
