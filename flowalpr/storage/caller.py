"""Who is at the command line, as far as the system knows."""

from __future__ import annotations

import os
import pwd
import socket
from pathlib import Path

from flowalpr.storage.audit_chain import Who

NOBODY = 2**32 - 1
"""The login account of what nobody started by hand, such as a service (proc(5), /proc/pid/loginuid)."""


def caller() -> Who:
    """The account that logged in, also behind `sudo`; machine, terminal and the address of an SSH client."""
    user = _name_of(os.getuid())
    login = _login()
    if login not in (None, user):
        user = f"{login} as {user}"
    client = os.environ.get("SSH_CONNECTION", "").split(" ")[0]
    parts = (socket.gethostname(), _terminal(), f"from {client}" if client else "")
    return Who(user, " ".join(part for part in parts if part))


def _login() -> str | None:
    """The account that logged in: what the kernel says, which no user can change, else what `sudo` says."""
    try:
        uid = int(Path("/proc/self/loginuid").read_text(encoding="ascii"))
    except (OSError, ValueError):
        uid = NOBODY
    return _name_of(uid) if uid != NOBODY else os.environ.get("SUDO_USER")


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # A container may run under a number that has no name.
        return f"user {uid}"


def _terminal() -> str:
    try:
        return os.ttyname(0)
    except OSError:  # Not a terminal: a pipe, a job of cron.
        return ""
