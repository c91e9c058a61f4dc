"""Sends events to an MQTT broker."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, ValidationInfo, field_validator, model_validator

from flowalpr import Exposure
from flowalpr.delivery import Outgoing
from flowalpr_builtin.broker.settings import BrokerNode

if TYPE_CHECKING:
    from flowalpr_builtin.sinks.mqtt_courier import MqttCourier

FIELDS = ("camera", "country", "type", "stage", "direction", "client")
"""What a topic may name; never the plate, since brokers log topics."""


class Mqtt(Outgoing, BrokerNode):
    """Publish each message as JSON on a topic of an MQTT broker.

    What the JSON holds is said in docs/events.md. While the broker is away, events wait in a queue on disk, also over
    restarts; afterwards they are sent in their order. None is lost; with `qos: 1` some come twice after a break, with
    `qos: 2` none does if the broker keeps its sessions. Each has an id, `event`, that stays the same.
    """

    topic: str = "flowalpr/{camera}"
    """Where to publish; may hold `{camera}`, `{country}`, `{type}`, `{stage}`, `{direction}` and `{client}`."""
    qos: Annotated[int, Field(ge=0, le=2)] = 1
    """0: handed to the network at most once; 1: arrives at least once; 2: arrives exactly once."""
    retain: bool = False
    """Whether the broker keeps the last event of each topic for those who come later."""
    status: str = "flowalpr/status/{client}"
    """The topic that holds `online`, or `offline` once the connection is lost; empty for none."""
    homeassistant: bool = False
    """Whether Home Assistant shall find a sensor for each camera: events are retained, so that it knows the last."""

    @field_validator("topic", "status")
    @classmethod
    def _is_a_topic(cls, topic: str, info: ValidationInfo) -> str:
        known = FIELDS if info.field_name == "topic" else ("client",)
        unknown = [name for name in re.findall(r"\{([^{}]*)\}", topic) if name not in known]
        if unknown:
            raise ValueError(f"{{{unknown[0]}}} is not known here: use {', '.join(f'{{{name}}}' for name in known)}")
        if re.search(r"[+#\x00]", topic) or "{" in re.sub(r"\{\w+\}", "", topic):
            raise ValueError("one publishes to a whole topic, without + and #, and with each { closed by }")
        return topic

    @model_validator(mode="after")
    def _is_whole(self) -> Mqtt:
        if not self.topic:
            raise ValueError("`topic` is empty")
        if self.homeassistant and set(re.findall(r"\{(\w+)\}", self.topic)) - {"client"} != {"camera"}:
            raise ValueError("for `homeassistant` the `topic` must name the {camera} and nothing else but {client}")
        return self

    def destination(self) -> Exposure:
        return self.sending()

    def courier(self) -> MqttCourier:
        from flowalpr_builtin.sinks.mqtt_courier import MqttCourier

        return MqttCourier(self, self.opened_queue)
