"""What comes back from a door: an answer, or why there is none."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import httpx2

from flowalpr.errors import FlowalprError, Problem, in_one_line

Record = dict[str, Any]  # Any: the values that JSON has


class DoorError(FlowalprError):
    """The door did not do what was asked."""

    def __init__(self, what: str, fix: str = "", status: int = 0) -> None:
        self.what = what
        self.status = status
        """Of HTTP; 0 if there was no answer."""
        super().__init__(str(Problem(what, fix=fix)))


class AwayError(DoorError):
    """Nobody answers: the flow has ended, or the machine cannot be reached. It may come back."""


class NotAllowedError(DoorError):
    """The token is unknown, has expired, or does not allow it."""


def words(error: Exception) -> str:
    """An error on one line."""
    return in_one_line(error) or type(error).__name__


def answer(response: httpx2.Response) -> httpx2.Response:
    """The response, if it is a good one.

    Raises:
        DoorError: it is not.
    """
    status = response.status_code
    if status < 400:
        return response
    try:
        what = str(response.json()["error"])
    except (ValueError, KeyError, TypeError):
        what = f"the answer was {status}"
    kind = NotAllowedError if status in (401, 403) else DoorError
    raise kind(what, status=status)


def trust(authority: Path | None) -> ssl.SSLContext:
    """By whom a machine's certificate must be signed: one of those everybody trusts, or the one in that file.

    Raises:
        DoorError: the file cannot be read.
    """
    try:
        return ssl.create_default_context(cafile=str(authority) if authority else None)
    except (OSError, ssl.SSLError) as error:
        raise DoorError(f"{authority} holds no certificate that can be read: {words(error)}") from error


def mapping(value: Any) -> Record:  # Any: the values that JSON has
    """A JSON object.

    Raises:
        DoorError: it is something else.
    """
    if not isinstance(value, dict):
        raise DoorError("the answer is not what was asked for", "is it a flow of another version?")
    return value


def listed(value: Any) -> list[Any]:  # Any: the values that JSON has
    """A JSON list.

    Raises:
        DoorError: it is something else.
    """
    if not isinstance(value, list):
        raise DoorError("the answer is not what was asked for", "is it a flow of another version?")
    return value
