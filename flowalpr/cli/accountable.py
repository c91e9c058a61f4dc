"""Writes what a command is about to do with reads into the audit log, before it does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from flowalpr.storage.audit_chain import Plain

Why = Annotated[str, typer.Option("--why", help="The purpose, for the audit log: 'case 2026/114'.")]


def account(action: str, plate: str = "", why: str = "", **about: Plain) -> None:
    """Record who does what to reads and why; particulars that are None are left out.

    Raises:
        PurposeMissingError: a purpose must be given for this (`flowalpr audit require`).
        SetupError: the log cannot be written, so it must not be done.
    """
    from flowalpr.storage.audit import AuditLog
    from flowalpr.storage.caller import caller

    told = {name: value for name, value in about.items() if value not in (None, "", [])}
    AuditLog().record(action, caller(), plate=plate, why=why, about=told)
