"""Files that only their owner may read, written whole or not at all, and locks that end with their holder."""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flowalpr.errors import SetupError

LOCK_WAIT = 10.0
"""Seconds that we wait for another process to let go of a file."""


def require_private(path: Path) -> None:
    """Nothing, if only its owner may use a file that there is.

    Raises:
        SetupError: others may read or write it.
    """
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise SetupError(f"{path} can be used by others (mode {mode:04o})", f"chmod 600 {path}")


def write_private(path: Path, content: bytes) -> None:
    """Put a file of mode 0600 in the place of another, on the disk when this returns.

    Raises:
        OSError: it could not be written; the other is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    sync_to_disk(path.parent)


def sync_to_disk(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def locked(path: Path, *, shared: bool = False) -> Iterator[int]:
    """A handle of the file, made with mode 0600 if it was not there, with a lock that ends with the block.

    Raises:
        SetupError: another process kept its lock for too long.
        OSError: the file cannot be opened.
    """
    flags = os.O_RDONLY if shared else os.O_RDWR | os.O_CREAT
    handle = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        until = time.monotonic() + LOCK_WAIT
        while True:
            try:
                fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    fix = f"see which: fuser -v {path}"
                    raise SetupError(f"{path} is held by another process for {LOCK_WAIT:g} s", fix) from None
                time.sleep(0.005)
        yield handle
    finally:
        os.close(handle)
