"""Sends events to an MQTT broker."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, field_validator, model_validator

from flowalpr import Secret
from flowalpr_builtin.sinks.outgoing import Outgoing

if TYPE_CHECKING:
    from flowalpr_builtin.sinks.mqtt_courier import MqttCourier

FIELDS = ("camera", "country", "type", "stage", "direction", "client")
"""What a topic may name; never the plate, since brokers log topics."""


class Mqtt(Outgoing):
    """Publish each message as JSON on a topic of an MQTT broker.

    What the JSON holds is said in docs/events.md. While the broker is away, events wait in a queue on disk, also over
    restarts; afterwards they are sent in their order. None is lost; with `qos: 1` some come twice after a break, with
    `qos: 2` none does if the broker keeps its sessions. Each has an id, `event`, that stays the same.
    """

    host: Annotated[str, Field(min_length=1)]
    """The broker's name or address."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Without it 1883, or 8883 with TLS."""
    topic: str = "flowalpr/{camera}"
    """Where to publish; may hold `{camera}`, `{country}`, `{type}`, `{stage}`, `{direction}` and `{client}`."""
    qos: Annotated[int, Field(ge=0, le=2)] = 1
    """0: handed to the network at most once; 1: arrives at least once; 2: arrives exactly once."""
    retain: bool = False
    """Whether the broker keeps the last event of each topic for those who come later."""
    user: str = ""
    """The user at the broker, if it wants one."""
    password: Secret | None = None
    """Where the password of `user` is found: `env:MQTT_PASSWORD` or `file:PATH`."""
    tls: bool = False
    """Whether to encrypt, and to check the broker's certificate."""
    ca: Path | None = None
    """File with the certificate of the authority that signed the broker's, if it is one of your own; implies `tls`."""
    certificate: Path | None = None
    """File with this client's own certificate, if the broker wants one; implies `tls`, needs `key`."""
    key: Path | None = None
    """File with the key of `certificate`."""
    version: Literal["5", "3.1.1"] = "5"
    """Of MQTT. With 3.1.1 a broker cannot say that it does not let this user publish; it throws the events away."""
    client: str = ""
    """The client's identifier at the broker; without it, one of its own that stays the same over restarts."""
    status: str = "flowalpr/status/{client}"
    """The topic that holds `online`, or `offline` once the connection is lost; empty for none."""
    homeassistant: bool = False
    """Whether Home Assistant shall find a sensor for each camera: events are retained, so that it knows the last."""

    @field_validator("version", mode="before")
    @classmethod
    def _is_a_version(cls, version: object) -> object:
        return str(version) if isinstance(version, (int, float)) and not isinstance(version, bool) else version

    @field_validator("topic", "status")
    @classmethod
    def _is_a_topic(cls, topic: str) -> str:
        unknown = [name for name in re.findall(r"\{([^{}]*)\}", topic) if name not in FIELDS]
        if unknown:
            raise ValueError(f"{{{unknown[0]}}} is not known here: use {', '.join(f'{{{name}}}' for name in FIELDS)}")
        if re.search(r"[+#\x00]", topic) or "{" in re.sub(r"\{\w+\}", "", topic):
            raise ValueError("one publishes to a whole topic, without + and #, and with each { closed by }")
        return topic

    @model_validator(mode="after")
    def _is_whole(self) -> Mqtt:
        if self.password and not self.user:
            raise ValueError("`password` needs a `user`")
        if bool(self.certificate) != bool(self.key):
            raise ValueError("`certificate` and `key` need one another")
        if not self.topic:
            raise ValueError("`topic` is empty")
        if self.homeassistant and set(re.findall(r"\{(\w+)\}", self.topic)) - {"client"} != {"camera"}:
            raise ValueError("for `homeassistant` the `topic` must name the {camera} and nothing else but {client}")
        return self

    @property
    def encrypts(self) -> bool:
        """Whether the connection is encrypted."""
        return self.tls or self.ca is not None or self.certificate is not None

    def _courier_for(self) -> MqttCourier:
        from flowalpr_builtin.sinks.mqtt_courier import MqttCourier

        return MqttCourier(self, self._outbox)
