"""Statements that SQLite and PostgreSQL each have in a dialect of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sql

from flowalpr.storage.schema import READS

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

_RANKS = {"preview": 1, "final": 2, "gone": 3}
"""The stages of a passage, in their order."""


def add(table: sql.Table, dialect: str) -> sql.Insert:
    """Adds rows, but those that are there already."""
    return _insert(table, dialect).on_conflict_do_nothing()


def upsert_reads(dialect: str) -> sql.Insert:
    """Adds reads, each id once; of a passage that is told again, the later stage stays, and what a person wrote."""
    rows = _insert(READS, dialect)
    account = {
        column.name: rows.excluded[column.name] for column in READS.columns if column.name not in ("number", "id")
    }
    later = _rank(rows.excluded.stage) >= _rank(READS.c.stage)
    told_again = sql.and_(rows.excluded.stage.is_not(None), later, READS.c.corrected.is_(None))
    return rows.on_conflict_do_update(index_elements=[READS.c.id], set_=account, where=told_again)


def _rank(stage: sql.ColumnElement[str | None]) -> sql.ColumnElement[int]:
    return sql.case(_RANKS, value=stage, else_=0)


def _insert(table: sql.Table, dialect: str) -> postgresql.Insert | sqlite.Insert:
    if dialect == "postgresql":  # Each dialect takes a moment to import.
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)
