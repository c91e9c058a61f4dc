"""What is kept beside the audit log: its keys, and its head, which says where the log ends."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from flowalpr.errors import SetupError
from flowalpr.plates import normal
from flowalpr.storage.audit_chain import canonical, signature
from flowalpr.storage.private_file import require_private, write_private


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """The key of the chain, and one for the pseudonyms of each month, so that those of old months can be forgotten."""

    chain: bytes
    months: Mapping[str, bytes] = field(default_factory=dict)
    """By month, `2026-11`."""

    def with_month(self, month: str) -> Keys:
        """The same with a key for that month."""
        return Keys(self.chain, {**self.months, month: secrets.token_bytes(32)})

    def without_months_before(self, month: str) -> Keys:
        """The same without the keys of earlier months: their pseudonyms lead to no plate any more."""
        return Keys(self.chain, {each: key for each, key in self.months.items() if each >= month})

    def pseudonym(self, plate: str, month: str) -> str:
        """What stands for a plate in the entries of a month."""
        digest = hmac.new(self.months[month], normal(plate).encode(), hashlib.sha256).hexdigest()
        return f"{month}:{digest[:32]}"

    def pseudonyms(self, plate: str) -> frozenset[str]:
        """All that may stand for a plate."""
        return frozenset(self.pseudonym(plate, month) for month in self.months)


def month_of(time: datetime) -> str:
    """The month of a time, as keys are named."""
    return f"{time:%Y-%m}"


def new_keys() -> Keys:
    """Keys that nobody has."""
    return Keys(secrets.token_bytes(32))


def read_keys(path: Path) -> Keys | None:
    """The keys of a file; None if there is none.

    Raises:
        SetupError: others may read it, or it is damaged.
    """
    if not path.exists():
        return None
    require_private(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        months = {month: bytes.fromhex(key) for month, key in content["months"].items()}
        return Keys(bytes.fromhex(content["chain"]), months)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise SetupError(f"the key of the audit log, {path}, is damaged", "put back a copy of it") from None


def write_keys(path: Path, keys: Keys) -> None:
    """Keep the keys."""
    months = {month: key.hex() for month, key in keys.months.items()}
    write_private(path, canonical({"chain": keys.chain.hex(), "months": months}))


@dataclass(frozen=True, slots=True)
class Head:
    """Where the log ends."""

    number: int = 0
    """Of the last entry; 0 if there is none."""
    seal: str = ""
    """Of the last entry."""
    size: int = 0
    """Bytes of the log."""
    required: tuple[str, ...] = ()
    """Actions for which a purpose must be given."""


def read_head(path: Path, key: bytes) -> Head | None:
    """The head; None if it is missing, damaged, or not signed by us."""
    try:
        content = json.loads(path.read_bytes())
        signed = content.pop("signature")
        if not hmac.compare_digest(signature(key, content), signed):
            return None
        return Head(content["number"], content["seal"], content["size"], tuple(content["required"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write_head(path: Path, head: Head, key: bytes) -> None:
    """Keep the head, signed."""
    content = {"number": head.number, "seal": head.seal, "size": head.size, "required": list(head.required)}
    write_private(path, canonical({**content, "signature": signature(key, content)}))
