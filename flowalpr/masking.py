"""Records that may be seen by those who may see no plate."""

from __future__ import annotations

from typing import Any

from flowalpr.messages import masked

PLATES = ("text", "raw", "plate")
TELLING = ("repairs", "readings", "label", "file")
"""Fields that tell of a plate or its owner, or, as the names of picture files often do, may hold a plate."""


def masked_record(record: dict[str, Any]) -> dict[str, Any]:  # Any: the values that JSON has
    """The record with masked plates (`AB•••••`), and empty what else could betray them, at any depth."""
    return {name: _masked(name, value) for name, value in record.items()}


def _masked(name: str, value: Any) -> Any:  # Any: as above
    if name in PLATES and isinstance(value, str):
        return masked(value)
    if name in TELLING:
        return type(value)() if isinstance(value, (list, str)) else None
    if isinstance(value, dict):
        return masked_record(value)
    if isinstance(value, list):
        return [_masked("", each) for each in value]
    return value
