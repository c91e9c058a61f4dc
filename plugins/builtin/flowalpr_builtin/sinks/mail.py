"""The node `email`: tells people by mail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, field_validator, model_validator

from flowalpr import END_OF_TIME, Duration, Exposure, Fault, Message, Node, Secret, SetupError, on_this_machine

if TYPE_CHECKING:
    from flowalpr_builtin.sinks.mailer import Mailer

ADDRESS = re.compile(r"[^\s@<>,;\"]+@[^\s@<>,;\"]+", re.ASCII)


class Email(Node):
    """Mail each message to people: alerts, or whatever is wired to it.

    The subject names no plate; the text does. When many messages come, `at_most` mails leave `per` hour, and what came
    meanwhile is told together in the next. Nothing waits for the mail server: while it is away, up to 1000 messages are
    kept in memory and tried again after 1, 2, 4 ... 60 seconds. What must outlive a restart belongs to `webhook` or
    `mqtt`.
    """

    host: str
    """The mail server."""
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    """587 for `starttls`, 465 for `tls`."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """How the connection is kept secret. With `none`, no password is sent."""
    ca: Path | None = None
    """File with the certificate of the authority that signed the server's, if it is one of your own."""
    user: str = ""
    """The account, if the server wants one."""
    password: Secret | None = None
    """Where its password is found: `env:MAIL_PASSWORD` or `file:PATH`."""
    sender: str
    """Whom the mails are from."""
    to: Annotated[tuple[str, ...], Field(min_length=1, max_length=50)]
    """Whom they are for."""
    at_most: Annotated[int, Field(ge=1, le=1000)] = 20
    """How many mails may leave."""
    per: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(hours=1)
    """In which time."""
    timeout: Annotated[Duration, Field(gt=timedelta(0), le=timedelta(minutes=5))] = timedelta(seconds=10)
    """For how long the server may take for each answer."""

    _mailer: Mailer | None = None

    @field_validator("sender", "to")
    @classmethod
    def _are_addresses(cls, given: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for each in (given,) if isinstance(given, str) else given:
            if not ADDRESS.fullmatch(each):
                raise ValueError(f"{each!r} is no address such as guard@example.com")
        return given

    @model_validator(mode="after")
    def _keeps_the_password(self) -> Email:
        if bool(self.user) != (self.password is not None):
            raise ValueError("`user` and `password` belong together")
        if self.password is not None and self.security == "none":
            raise ValueError("a password is not sent in the clear: take `security: starttls` or `tls`")
        return self

    def exposes(self) -> tuple[Exposure, ...]:
        where = f"mail to {', '.join(self.to)} through the server {self.host}"
        if self.security != "none" or on_this_machine(self.host):
            return (Exposure("sent", where),)
        return (Exposure("sent", where, "it is not encrypted", "security: starttls", "security"),)

    def open(self) -> None:
        from flowalpr_builtin.sinks.mailer import Account, Mailer

        if self.password is not None:
            self.password.reveal()  # A missing one is told at the start.
        if self.ca is not None and not self.ca.expanduser().is_file():
            raise SetupError(f"the certificate {self.ca} is not there", "name the file of your certificate authority")
        account = Account(
            host=self.host,
            port=self.port,
            security=self.security,
            user=self.user,
            password=self.password.reveal if self.password else None,
            ca=str(self.ca.expanduser()) if self.ca else None,
            sender=self.sender,
            to=self.to,
            timeout=self.timeout.total_seconds(),
        )
        self._mailer = Mailer(account, self.name, self.at_most, self.per)

    def process(self, message: Message) -> None:
        if self._mailer is not None:
            self._mailer.add(message.record())

    def due(self, now: datetime) -> Iterator[Fault]:
        if self._mailer is None:
            return
        if now == END_OF_TIME:
            self._mailer.finish()
        while not self._mailer.errors.empty():
            yield Fault(self._mailer.errors.get())

    def close(self) -> None:
        if self._mailer is not None:
            self._mailer.close()
