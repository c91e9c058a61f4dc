"""Tokens that open the door from other machines: stored hashed, each with a role and an end."""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from enum import Enum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from flowalpr.errors import SetupError
from flowalpr.state import state_folder

PREFIX = "flowalpr"
MOST = 1000
"""Tokens that a file may hold."""


class Role(str, Enum):
    """What somebody may do; each may do all that those before may."""

    viewer = "viewer"
    """See everything but plates, which are masked, and pictures."""
    operator = "operator"
    """See plates and pictures; acknowledge, correct, pause, resume and restart."""
    admin = "admin"
    """Change the flow and its lists."""

    def may(self, wanted: Role) -> bool:
        """Whether it may do what `wanted` may."""
        order = list(Role)
        return order.index(self) >= order.index(wanted)


class Token(BaseModel):
    """What is stored of a token; the token itself is nowhere."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    """Its public part, by which it is revoked and by which the audit log names it."""
    name: str
    """Whose it is."""
    role: Role
    created: datetime
    expires: datetime | None
    """None if it never does."""
    hash: str
    """SHA-256 of its secret part: 256 random bits, so that nothing slower is needed against guessing."""

    def is_valid(self, now: datetime) -> bool:
        """Whether it has not expired."""
        return self.expires is None or now < self.expires


class Tokens:
    """The tokens in a file that only its owner may read; changes by other processes are seen at once."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or state_folder("control.d") / "tokens.json"  # No flow can be named so.
        self._mark: tuple[int, int, int] | None = None
        self._tokens: tuple[Token, ...] = ()

    def all(self) -> tuple[Token, ...]:
        """All of them, the oldest first.

        Raises:
            SetupError: the file cannot be read, is damaged, or may be read by others.
        """
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise SetupError(f"the tokens in {self.path} cannot be read: {error.strerror}") from error
        if found.st_mode & 0o077:
            raise SetupError(f"{self.path} may be read by others", f"chmod 600 {self.path}")
        mark = (found.st_mtime_ns, found.st_size, found.st_ino)
        if mark != self._mark:
            self._tokens, self._mark = self._read(), mark
        return self._tokens

    def create(self, name: str, role: Role, good_for: timedelta | None) -> tuple[Token, str]:
        """A new token, stored, and what its owner must present: shown this once."""
        secret = secrets.token_urlsafe(32)
        now = datetime.now(timezone.utc)
        token = Token(
            id=secrets.token_hex(4),
            name=name,
            role=role,
            created=now,
            expires=None if good_for is None else now + good_for,
            hash=_hash(secret),
        )
        with self._changing() as tokens:
            if len(tokens) >= MOST:
                raise SetupError(f"there are {MOST} tokens already", "revoke some: flowalpr token revoke ID")
            tokens.append(token)
        return token, f"{PREFIX}_{token.id}_{secret}"

    def revoke(self, id: str) -> Token | None:  # noqa: A002  # It is called so everywhere.
        """Forget a token; None if there was none of that id."""
        with self._changing() as tokens:
            gone = next((each for each in tokens if each.id == id), None)
            if gone is not None:
                tokens.remove(gone)
        return gone

    def find(self, presented: str) -> Token | None:
        """The stored token that was presented, if it is genuine and has not expired."""
        prefix, _, rest = presented.partition("_")
        id_, _, secret = rest.partition("_")
        if prefix != PREFIX or not secret:
            return None
        token = next((each for each in self.all() if each.id == id_), None)
        genuine = hmac.compare_digest(_hash(secret), token.hash if token else _hash(""))
        return token if token and genuine and token.is_valid(datetime.now(timezone.utc)) else None

    def _read(self) -> tuple[Token, ...]:
        try:
            return tuple(Token.model_validate(each) for each in json.loads(self.path.read_bytes()))
        except (OSError, ValueError, TypeError, ValidationError) as error:
            what = f"the tokens in {self.path} cannot be read: {type(error).__name__}"
            raise SetupError(what, "put the file aside and create new tokens: flowalpr token create") from error

    @contextmanager
    def _changing(self) -> Iterator[list[Token]]:
        """The tokens, to be changed by this process alone; written whole or not at all."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                tokens = list(self.all())
                yield tokens
                self._write(tokens)
            finally:
                os.close(lock)
        except OSError as error:
            raise SetupError(f"the tokens in {self.path} cannot be written: {error.strerror}") from error

    def _write(self, tokens: list[Token]) -> None:
        text = json.dumps([json.loads(each.model_dump_json()) for each in tokens], indent=1)
        new = self.path.with_suffix(".new")
        new.unlink(missing_ok=True)
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as writing:
            writing.write(text)
            writing.flush()
            os.fsync(writing.fileno())
        new.replace(self.path)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
