"""Plate reads at rest: a sealed store with search, on SQLite or PostgreSQL.

What is named here is imported when it is asked for: SQLAlchemy and cryptography take a while.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flowalpr.storage.address import StoreAddress
    from flowalpr.storage.query import Query
    from flowalpr.storage.rows import Entry, StoredRead, entry_of
    from flowalpr.storage.seal import AlteredError
    from flowalpr.storage.store import ReadStore
    from flowalpr.storage.writer import Writer

__all__ = ["AlteredError", "Entry", "Query", "ReadStore", "StoreAddress", "StoredRead", "Writer", "entry_of"]

_MODULES = {
    "AlteredError": "seal",
    "Entry": "rows",
    "Query": "query",
    "ReadStore": "store",
    "StoreAddress": "address",
    "StoredRead": "rows",
    "Writer": "writer",
    "entry_of": "rows",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
