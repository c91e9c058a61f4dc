"""How to reach an MQTT broker: the settings that all nodes share which do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from flowalpr import Exposure, Finding, Node, Secret, on_this_machine

if TYPE_CHECKING:
    from flowalpr_builtin.broker.line import Line


class BrokerNode(Node):
    """A node that speaks with an MQTT broker. Derive, and connect by a `Line` from `line`."""

    model_config = ConfigDict(hide_input_in_errors=True)  # A password may stand where none should.

    host: Annotated[str, Field(min_length=1)]
    """The broker's name or address."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Without it 1883, or 8883 with TLS."""
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
    """The client's identifier at the broker; without it, one of its own."""

    @field_validator("version", mode="before")
    @classmethod
    def _is_a_version(cls, version: object) -> object:
        return str(version) if isinstance(version, (int, float)) and not isinstance(version, bool) else version

    @model_validator(mode="after")
    def _has_what_belongs_together(self) -> BrokerNode:
        if self.password and not self.user:
            raise ValueError("`password` needs a `user`")
        if bool(self.certificate) != bool(self.key):
            raise ValueError("`certificate` and `key` need one another")
        return self

    @property
    def where(self) -> str:
        """The broker, for the log."""
        return f"the broker {self.host}:{self._port()}"

    def sending(self) -> Exposure:
        """What sending to the broker means for plates."""
        if self._encrypts() or on_this_machine(self.host):
            return Exposure("sent", self.where)
        return Exposure("sent", self.where, "it is not encrypted", "tls: true", "tls")

    def examine(self) -> Iterator[Finding]:
        from flowalpr_builtin.broker.line import LineError

        line = self.line("flowalpr-doctor")
        try:
            line.connect()
        except LineError as error:
            yield Finding("wrong", f"{self.where} {error}")
        else:
            how = "over TLS" if self._encrypts() else "without encryption"
            yield Finding("ok", f"{self.where} lets this client in, {how}")
        finally:
            line.close()

    def check(self) -> None:
        """Look for what cannot be wrong later: secrets and certificates.

        Raises:
            SetupError: one of them is missing.
        """
        self.line("check").close()

    def line(self, client: str, clean: bool = True) -> Line:
        """A way to the broker, not connected yet, for a client of that identifier.

        Raises:
            SetupError: the secret or a certificate is missing.
        """
        from flowalpr_builtin.broker.line import Line, tls_context

        password = self.password.reveal() if self.password else None
        tls = tls_context(self.ca, self.certificate, self.key) if self._encrypts() else None
        line = Line(self.host, self._port(), client, self.version, clean=clean)
        if self.user:
            line.paho.username_pw_set(self.user, password)
        if tls:
            line.paho.tls_set_context(tls)
        return line

    def _port(self) -> int:
        return self.port or (8883 if self._encrypts() else 1883)

    def _encrypts(self) -> bool:
        return self.tls or self.ca is not None or self.certificate is not None
