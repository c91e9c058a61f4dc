"""Pictures that are sent to this machine by HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Annotated

from pydantic import Field, model_validator

from flowalpr import Frame, Node, Secret, Stamp, now


class HttpIn(Node):
    """Give each picture (JPEG, PNG ...) that is sent to this machine by POST as a frame with the time at which it came.

    `curl --data-binary @car.jpg http://127.0.0.1:8089/` sends one. The answer is 202 when the flow has taken it (none
    is dropped after that), 401 for a wrong token, 408 for one that takes longer than a minute to come, 413 for one that
    is too large, 415 for what is no picture, or one in a form, and 503 when the flow did not take it in time or eight
    others are being served: then it is to be sent again. What was read is not in the answer: it goes where the flow
    sends it (`webhook`, `mqtt`). It speaks plain HTTP: to take pictures over a network that is not yours alone, put a
    web server with TLS in front.
    """

    host: str = "127.0.0.1"
    """The address to listen at: `0.0.0.0` for every address of this machine, which needs a `token`."""
    port: Annotated[int, Field(ge=1, le=65535)] = 8089
    """The port to listen at."""
    token: Secret | None = None
    """What a sender must show, as `Authorization: Bearer ...`."""
    megabytes: Annotated[float, Field(gt=0, le=256)] = 20.0
    """A larger picture is refused."""

    _token: str = ""
    _number: int = 0

    @model_validator(mode="after")
    def _is_guarded(self) -> HttpIn:
        if self.token is None and self.host != "localhost" and not ip_address(self.host).is_loopback:
            raise ValueError("only at 127.0.0.1 may pictures be taken without a `token`")
        return self

    def is_live(self) -> bool:
        return True

    def can_wait(self) -> bool:
        return True

    def open(self) -> None:
        self._token = self.token.reveal() if self.token else ""

    def process(self) -> Iterator[Frame]:
        from flowalpr_builtin.sources.picture_server import PictureServer

        # Opened here and not in `open`: a node that replaces another is opened before that has let go of the port.
        server = PictureServer((self.host, self.port), self._token, int(self.megabytes * 1_000_000))
        try:
            while not self.wait(0):
                with server.next(0.2) as image:
                    if image is not None:
                        self._number += 1
                        yield Frame(image, Stamp(self.name, now(), self._number - 1))
        finally:
            server.close()
