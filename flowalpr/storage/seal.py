"""Seals bytes with AES-256-GCM, each bound to the place where it stands: moved elsewhere, it does not open."""

from __future__ import annotations

import os
from functools import cached_property

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from flowalpr.errors import FlowalprError
from flowalpr.storage.tokens import Tokens

KEY_BYTES = 32
_NONCE = 12
_FORM = b"\x01"
"""First byte of what is sealed; another stands for another way to seal."""


class AlteredError(FlowalprError):
    """What is sealed was altered, stands where it does not belong, or was sealed with another key."""


class Seal:
    """Seals and opens with one key."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def closed(self, plain: bytes, bound: bytes) -> bytes:
        """The bytes, sealed and bound to a place."""
        nonce = os.urandom(_NONCE)
        return _FORM + nonce + self._cipher.encrypt(nonce, plain, bound)

    def opened(self, sealed: bytes, bound: bytes) -> bytes:
        """The bytes that were sealed for that place.

        Raises:
            AlteredError: it was altered, or belongs elsewhere.
        """
        if sealed[:1] != _FORM:
            raise AlteredError("it was altered: it is not sealed as flowalpr does")
        try:
            return self._cipher.decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], bound)
        except (InvalidTag, ValueError):
            raise AlteredError("it was altered, or sealed with another key") from None


class NoSeal:
    """Leaves bytes as they are: what `seal: off` asks for."""

    def closed(self, plain: bytes, bound: bytes) -> bytes:
        """The bytes."""
        return plain

    def opened(self, sealed: bytes, bound: bytes) -> bytes:
        """The bytes."""
        return bytes(sealed)


class DayKey:
    """The key of one day (and kind of content, and shelf): seals that day's rows or pictures, and makes its tokens."""

    def __init__(self, number: int, day: str, secret: bytes | None) -> None:
        """With a secret of 32 random bytes; without one, nothing is sealed."""
        self.number = number
        self.day = day
        self._secret = secret

    @cached_property
    def seal(self) -> Seal | NoSeal:
        """What seals its rows and pictures."""
        return NoSeal() if self._secret is None else Seal(_derived(self._secret, b"seal"))

    @cached_property
    def tokens(self) -> Tokens:
        """What makes its tokens."""
        return Tokens(bytes(KEY_BYTES) if self._secret is None else _derived(self._secret, b"index"))

    def __repr__(self) -> str:
        return f"DayKey({self.number}, {self.day!r})"


def _derived(secret: bytes, purpose: bytes) -> bytes:
    """A key of its own for each purpose, from one secret."""
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"flowalpr store " + purpose).derive(secret)
