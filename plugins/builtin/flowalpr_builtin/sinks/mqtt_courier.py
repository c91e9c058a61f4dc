"""Brings events to an MQTT broker: many at a time, in order, each until the broker has confirmed it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any

from flowalpr.delivery import AwayError
from flowalpr.delivery.courier import Courier
from flowalpr.delivery.outbox import Outbox
from flowalpr_builtin.broker.line import Line, LineError
from flowalpr_builtin.sinks import discovery

if TYPE_CHECKING:
    from flowalpr_builtin.sinks.mqtt import Mqtt

ANSWER_SECONDS = 20.0
"""For how long a broker may confirm nothing of what it was sent."""
IN_FLIGHT = 16
"""Events on their way at once; paho and mosquitto hold 20."""


class MqttCourier(Courier):
    """The courier of a node `mqtt`."""

    def __init__(self, settings: Mqtt, queue: Callable[[], Outbox], answer_seconds: float = ANSWER_SECONDS) -> None:
        """Reads secrets and certificates.

        Raises:
            SetupError: one of them is missing.
        """
        self._settings = settings
        super().__init__(settings.name, settings.where, queue)
        settings.check()
        self._line: Line | None = None
        self._flying: dict[int, int] = {}  # number of the event by packet id, oldest first
        self._last = 0
        self._answer_seconds = answer_seconds
        self._heard = 0.0
        self._announced: set[str] = set()

    def wake(self) -> None:
        if self._line is not None:
            self._line.wake()

    def carry(self) -> None:
        try:
            line = self._line = self._line or self._first_line()
            line.connect()
            self._greet(line)
            while not self.stopping.is_set():
                self._send(line)
                line.turn(min(1.0, self._answer_seconds))
                self._confirm(line)
            if self._settings.status:
                line.paho.publish(self._status(), "offline", qos=1, retain=True)
        except LineError as error:
            raise AwayError(str(error)) from error
        except TimeoutError as error:
            # A session in which broker and client no longer agree is not mended by another connection.
            self.part()
            self._line = None
            self._flying.clear()
            self._last = 0
            raise AwayError(str(error)) from error

    def part(self) -> None:
        if self._line is not None:
            self._line.close()

    def _first_line(self) -> Line:
        """A client whose session begins now."""
        if self._settings.qos == 2:
            # What the broker remembers of an earlier process of ours would be taken for what this one sends. (MQTT 5
            # could do both at once by its clean start, but mosquitto 2.0.11 does not save a session begun like that.)
            forget = self._new_line(clean=True)
            try:
                forget.connect()
            finally:
                forget.close()
        return self._new_line(clean=self._settings.qos < 2)

    def _new_line(self, clean: bool) -> Line:
        line = self._settings.line(self._client(), clean)
        if self._settings.status:
            line.paho.will_set(self._status(), "offline", qos=1, retain=True)
        return line

    def _greet(self, line: Line) -> None:
        self._heard = monotonic()
        self._confirm(line)  # What came in the moment in which the last connection broke.
        if not line.is_remembered:
            self._flying.clear()
            self._last = 0
        self._announced.clear()
        self.reached()
        if self._settings.status:
            line.paho.publish(self._status(), "online", qos=1, retain=True)

    def _send(self, line: Line) -> None:
        """Fill up what may be on its way."""
        most = min(IN_FLIGHT, max(1, line.most_in_flight - 2))  # Two are left for what is said beside events.
        free = most - len(self._flying)
        for event in self.box().oldest(self._last, free) if free > 0 else ():
            record = event.record()
            retain = self._settings.retain
            if self._settings.homeassistant and (camera := record.get("camera")):  # An erasure is of no camera.
                self._announce(line, camera)
                retain = True
            topic = filled(self._settings.topic, record, self._client())
            sent = line.paho.publish(topic, event.payload, self._settings.qos, retain)
            self._flying[sent.mid] = event.number
            self._last = event.number

    def _confirm(self, line: Line) -> None:
        acknowledged, line.acknowledged = line.acknowledged, []
        refusal = next((why for packet, why in acknowledged if why and packet in self._flying), "")
        arrived = [self._flying.pop(packet) for packet, why in acknowledged if packet in self._flying and not why]
        if arrived:
            self.delivered(arrived)
        if arrived or not self._flying:
            self._heard = monotonic()
        elif monotonic() - self._heard > self._answer_seconds:
            raise TimeoutError(f"has confirmed nothing for {self._answer_seconds:g} s")
        if refusal:
            line.paho.disconnect()
            raise LineError(f"refuses to take events ({refusal}): check its access rules for the `topic`")

    def _announce(self, line: Line, camera: str) -> None:
        """Tell Home Assistant of a camera, once for each connection."""
        if camera in self._announced:
            return
        self._announced.add(camera)
        topic = filled(self._settings.topic, {"camera": camera}, self._client())
        where, config = discovery.sensor(self._client(), self._node, camera, topic, self._status())
        line.paho.publish(where, json.dumps(config), qos=1, retain=True)

    def _client(self) -> str:
        return self._settings.client or f"flowalpr-{self.box().identity[:12]}"

    def _status(self) -> str:
        return filled(self._settings.status, {}, self._client())


def filled(topic: str, record: dict[str, Any], client: str) -> str:  # Any: the values that JSON has
    """The topic with its fields filled in, so that no value can make another level or a pattern of it."""

    def value(match: re.Match[str]) -> str:
        given = client if match[1] == "client" else record.get(match[1])
        return re.sub(r"[+#/\x00-\x1f\x7f-\x9f]", "_", str(given)) if given else "_"

    return re.sub(r"\{(\w+)\}", value, topic)
