"""The clock: whether it is kept right, and whether it has been set back. Times of reads are evidence."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from flowalpr.findings import Finding

UNSYNCHRONISED = 0x40
"""`STA_UNSYNC` of `adjtimex(2)`."""
ERROR = 5
"""`TIME_ERROR` of `adjtimex(2)`: the clock is not synchronised."""
MOST_AHEAD = 120.0
"""Seconds that a file may be ahead of the clock, for disks in the network."""
SET = "sudo timedatectl set-ntp true"


class _Timex(ctypes.Structure):
    """`struct timex` of Linux (`adjtimex(2)`)."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("numbers", ctypes.c_long * 4),  # offset, freq, maxerror, esterror
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def clock(newest: Path | None = None) -> Iterator[Finding]:
    """Whether the clock can be trusted; `newest` is the file that was written last, if any was."""
    now = datetime.now(timezone.utc)
    installed = Path(__file__).stat().st_mtime
    if now.timestamp() < installed - MOST_AHEAD:
        yield Finding("wrong", f"clock: it says {now:%Y-%m-%d}, before flowalpr was installed", SET)
    elif newest is not None and newest.stat().st_mtime > now.timestamp() + MOST_AHEAD:
        later = datetime.fromtimestamp(newest.stat().st_mtime, timezone.utc)
        what = f"clock: it was set back, for {newest} was written on {later:%Y-%m-%d %H:%M} UTC"
        yield Finding("warning", what, "look at the times of the last reads; a box without a battery needs " + SET)
    yield _synchronised()


def _synchronised() -> Finding:
    held = _Timex()
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(held))
    if state < 0:
        why = os.strerror(ctypes.get_errno() or errno.ENOSYS)
        return Finding("ok", f"clock: whether it is kept right cannot be told in here ({why})")
    if state == ERROR or held.status & UNSYNCHRONISED:
        return Finding("warning", "clock: nothing keeps it right, so times of reads drift", SET)
    return Finding("ok", f"clock: kept right, off by {held.numbers[2] / 1000:.0f} ms at most")
