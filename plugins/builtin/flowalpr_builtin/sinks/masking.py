"""Records that may stand where they are kept and copied: without plates."""

from __future__ import annotations

from typing import Any

from flowalpr import masked

TELLING = ("raw", "repairs", "file", "plate", "label", "readings")
"""Fields that hold a plate, or a name, or, as the names of picture files often do, may hold one."""


def masked_record(record: Any) -> Any:  # Any: the values that JSON has
    """The record with masked plates (`AB•••••`) and without what else could betray them, at any depth."""
    if isinstance(record, list):
        return [masked_record(each) for each in record]
    if not isinstance(record, dict):
        return record
    shown = {key: masked_record(value) for key, value in record.items() if key not in TELLING}
    if isinstance(shown.get("text"), str):
        shown["text"] = masked(shown["text"])
    return shown
