"""The master key of a store: found in the environment, a file or a systemd credential, or made on the first run."""

from __future__ import annotations

import base64
import binascii
import logging
import os
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from flowalpr.errors import SetupError
from flowalpr.settings import Secret
from flowalpr.state import state_root
from flowalpr.storage.private_file import require_private, write_private
from flowalpr.storage.seal import KEY_BYTES, Seal

log = logging.getLogger(__name__)

EXPECTED = f"write {KEY_BYTES} random bytes in base64: openssl rand -base64 {KEY_BYTES}"


@dataclass(frozen=True, slots=True)
class MasterKey:
    """The key that wraps the keys of days."""

    secret: bytes = field(repr=False)
    where: str
    """Where it was found, for people."""

    @property
    def fingerprint(self) -> str:
        """By this a store knows its key; the key cannot be told from it."""
        return blake2b(b"fingerprint", digest_size=8, key=self.secret, person=b"flowalpr").hexdigest()

    @property
    def seal(self) -> Seal:
        """What wraps keys of days."""
        return Seal(self.secret)


def find_master(reference: Secret | None, fingerprint: str) -> MasterKey:
    """The master key of the store that knows it by that fingerprint.

    Raises:
        SetupError: it is not there, may be read by others, is no key, or is the key of another store.
    """
    path = key_file(fingerprint)
    if reference is None and not path.exists():
        raise SetupError(
            f"the key {fingerprint} of this store is not on this machine, and without it nobody can read the store",
            f"bring it back to {path}, or say where it is: key: env:NAME, file:PATH or credential:NAME",
        )
    key = _referred(reference) if reference is not None else _from_file(path)
    if key.fingerprint != fingerprint:
        raise SetupError(
            f"the key in {key.where} is {key.fingerprint}, but the store was sealed with the key {fingerprint}",
            "name the key it was sealed with last: key: env:NAME, file:PATH or credential:NAME",
        )
    return key


def new_master(reference: Secret | None) -> MasterKey:
    """The master key for a new store: the one that is referred to, or a new one in a file for this user alone.

    Raises:
        SetupError: it is not there, may be read by others, is no key, or cannot be written.
    """
    if reference is not None:
        return _referred(reference)
    secret = os.urandom(KEY_BYTES)
    path = key_file(MasterKey(secret, "").fingerprint)
    try:
        write_private(path, base64.b64encode(secret) + b"\n")
    except OSError as error:
        raise SetupError(
            f"no key can be made in {path.parent}: {error.strerror}",
            "make it writable, or name a key of your own: key: env:NAME, file:PATH or credential:NAME",
        ) from None
    return MasterKey(secret, f"file:{path}")


def key_file(fingerprint: str) -> Path:
    """Where the key of a store lies that names no other place."""
    return state_root() / "store-keys" / f"{fingerprint}.key"


def _referred(reference: Secret) -> MasterKey:
    kind, _, name = reference.reference.partition(":")
    if kind == "file":
        return _from_file(Path(name).expanduser())
    return MasterKey(_decoded(reference.reveal(), reference.reference), reference.reference)


def _from_file(path: Path) -> MasterKey:
    try:
        require_private(path)
        text = path.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise SetupError(f"the key file {path} cannot be read: {error.strerror}", EXPECTED) from None
    return MasterKey(_decoded(text, f"file:{path}"), f"file:{path}")


def _decoded(text: str, reference: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise SetupError(f"{reference} holds no key of {KEY_BYTES} bytes", EXPECTED)
    return key
