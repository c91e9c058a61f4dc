"""What is stored in place of a plate: the same for the same plate while a key lasts, and afterwards of no use."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import json
import secrets
from datetime import datetime, timedelta
from pathlib import Path

from flowalpr.errors import SetupError
from flowalpr.messages import Passage, PlateRead
from flowalpr.plates import normal
from flowalpr.storage.private_file import require_private, write_private

MARK = "~"
"""A pseudonym begins with it; no plate does."""


class Pseudonyms:
    """Pseudonyms under a key that is kept in a file of its own for a time and then destroyed."""

    def __init__(self, path: Path, rotate: timedelta) -> None:
        """With the file of the key, which is made when it is needed, and for how long a key lasts."""
        self._path = path
        self._rotate = rotate
        self._key = b""
        self._made: datetime | None = None

    def of(self, text: str, now: datetime) -> str:
        """The pseudonym of a plate at that time.

        Raises:
            SetupError: the key can be read by others, or cannot be kept.
        """
        return _pseudonym(self._current(now), text)

    def replaced(self, read: PlateRead, now: datetime) -> PlateRead:
        """The read with a pseudonym in place of its text, and without all else that tells which car it was."""
        text = self.of(read.text, now) if read.text else ""
        frame = dataclasses.replace(read.frame, source="")  # Files are often named by the plate.
        listed = tuple(dataclasses.replace(each, plate=text, label="") for each in read.listed)
        told = dataclasses.replace(
            read,
            text=text,
            raw=text,
            repairs=(),
            listed=listed,
            detection=dataclasses.replace(read.detection, frame=frame),
        )
        return dataclasses.replace(told, readings=()) if isinstance(told, Passage) else told

    def _current(self, now: datetime) -> bytes:
        """The key of that time; a new one if there is none, if it has lasted long enough, or if the clock went back."""
        if self._made is None:
            self._read()
        if self._made is None or not timedelta(0) <= now - self._made < self._rotate:
            self._key, self._made = secrets.token_bytes(32), now
            content = {"made": now.isoformat(), "key": self._key.hex()}
            try:
                write_private(self._path, json.dumps(content).encode())
            except OSError as error:
                what = f"the key of pseudonyms cannot be kept in {self._path}: {error.strerror}"
                raise SetupError(what, f"ls -la {self._path.parent}") from error
        return self._key

    def _read(self) -> None:
        """Take the key of an earlier run; one that is damaged is of no use, and a new one harms nobody."""
        found = _read(self._path)
        if found is not None:
            self._key, self._made = found


def known_pseudonym(path: Path, text: str) -> str:
    """The pseudonym of a plate under the key in a file; empty if there is none."""
    found = _read(path)
    return _pseudonym(found[0], text) if found else ""


def _pseudonym(key: bytes, text: str) -> str:
    digest = hmac.digest(key, normal(text).encode(), hashlib.sha256)
    return MARK + base64.b32encode(digest[:10]).decode()


def _read(path: Path) -> tuple[bytes, datetime] | None:
    if not path.exists():
        return None
    require_private(path)
    try:
        content = json.loads(path.read_bytes())
        return bytes.fromhex(content["key"]), datetime.fromisoformat(content["made"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
