"""What the nodes of this plugin share: the provider's paths, and a question that is answered now or not at all."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from pydantic import field_validator

from flowalpr.delivery import HttpNode

if TYPE_CHECKING:
    from flowalpr.delivery.http import Answer, Door


class ProviderNode(HttpNode):
    """A node that speaks with the provider; `url` is the base of its API, such as `https://api.example/v1`."""

    @field_validator("url")
    @classmethod
    def _without_slash(cls, url: str) -> str:
        return url.rstrip("/")


def encoded(values: dict[str, Any]) -> bytes:  # Any: the values that JSON has
    """A body of the provider's API."""
    return json.dumps(values, ensure_ascii=False).encode()


def ask(door: Door, url: str, values: dict[str, Any]) -> Answer:  # Any: the values that JSON has
    """The answer to a question, which changes nothing at the provider and so bears a new id each time.

    Raises:
        AwayError: there is none.
    """
    from flowalpr.delivery.http import Request

    return door.ask(Request(uuid.uuid4().hex, url, encoded(values)))
