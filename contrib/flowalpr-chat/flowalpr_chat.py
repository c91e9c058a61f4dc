"""A node that posts plates to a chat room, and the hook by which flowalpr finds it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from datetime import timedelta
from string import Formatter
from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import field_validator

from flowalpr import Duration, Node, PlateRead, Secret, SetupError, hookimpl


class Chat(Node):
    """Post each read to a chat room, through the incoming webhook of Slack, Mattermost, Rocket.Chat or Google Chat.

    A post that fails is a fault of this node: the flow goes on, counts it, and `on_error` says who hears of it.
    """

    heavy: ClassVar[bool] = True

    url: Secret
    """Where the webhook is. Whoever knows it can post, so it is a secret: `env:CHAT_URL` or `file:PATH`."""
    say: str = "{text} at {camera}"
    """The message; `{text}`, `{camera}`, `{time}`, `{country}` and `{confidence}` are filled in from the read."""
    give_up_after: Duration = timedelta(seconds=5)
    """How long the chat may take to answer."""
    _url: str = ""

    @field_validator("say")
    @classmethod
    def _known_names(cls, say: str) -> str:
        known = {"text", "camera", "time", "country", "confidence"}
        names = [name for _, name, _, _ in Formatter().parse(say) if name is not None]
        if unknown := [name for name in names if name not in known]:
            raise ValueError(f"{{{unknown[0]}}} is not known here; known are {', '.join(sorted(known))}")
        return say

    def open(self) -> None:
        self._url = self.url.reveal()
        if urlsplit(self._url).scheme not in ("http", "https"):
            raise SetupError(f"{self.url.reference} does not hold an address that begins with http:// or https://")

    def process(self, read: PlateRead) -> None:
        values = {**read.record(), "time": f"{read.stamp.time:%Y-%m-%d %H:%M:%S} UTC"}
        body = json.dumps({"text": self.say.format_map(values)}).encode()
        # S310 warns of other schemes than http; `open` has refused them.
        request = urllib.request.Request(self._url, body, {"Content-Type": "application/json"})  # noqa: S310
        try:
            urllib.request.urlopen(request, timeout=self.give_up_after.total_seconds()).close()  # noqa: S310
        except urllib.error.HTTPError as error:
            error.close()
            # Neither the address nor the text may show up in an error, so this says less than it knows.
            raise ConnectionError(f"the chat refused the post: {error.code} {error.reason}") from None
        except OSError as error:
            reason = getattr(error, "reason", error)
            raise ConnectionError(f"the chat cannot be reached: {reason}") from None


@hookimpl
def flowalpr_nodes() -> list[type[Node]]:
    """The one node of this plugin."""
    return [Chat]
