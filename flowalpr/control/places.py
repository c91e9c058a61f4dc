"""Where running flows have their sockets, and how one is claimed, found and told from one that was left behind."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, unquote

from flowalpr.errors import SetupError
from flowalpr.state import state_folder

LONGEST = 107
"""Bytes that the path of a Unix socket may have (sockaddr_un of Linux, less the closing zero)."""
SERVICES = Path("/run/flowalpr")
"""Where systemd makes the folder of a service with `RuntimeDirectory=flowalpr`."""


def runtime_folder() -> Path:
    """The folder of this user's sockets: where state is redirected to, what systemd gives, or the user's own."""
    if os.environ.get("FLOWALPR_STATE"):
        return state_folder("run.d")
    given = os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    if given:
        return Path(given)
    user = os.environ.get("XDG_RUNTIME_DIR")
    return Path(user) / "flowalpr" if user and Path(user).is_dir() else state_folder("run.d")


def sockets() -> Iterator[tuple[str, Path]]:
    """Name and socket of each flow that this user may open; those of flows that were killed may be among them."""
    seen: set[Path] = set()
    for folder in (runtime_folder(), SERVICES):
        with suppress(OSError):  # Not there, or not ours.
            for path in sorted(folder.glob("*.sock")):
                if path not in seen and os.access(path, os.W_OK):
                    seen.add(path)
                    yield unquote(path.stem), path


def is_alive(path: Path) -> bool:
    """Whether a flow serves that socket: its process holds the lock beside it."""
    try:
        lock = os.open(path.with_suffix(".lock"), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


class Claim:
    """The right to a name among this user's running flows, held by a lock that dies with the process."""

    def __init__(self, flow: str, folder: Path | None = None) -> None:
        """Takes the flow's name, or `NAME@2`, `NAME@3` ... where other processes run a flow of that name.

        Raises:
            SetupError: the folder cannot be used, or its path is too long.
        """
        self._folder = folder or runtime_folder()
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            found = self._folder.stat()
            if found.st_uid != os.geteuid():
                raise SetupError(f"{self._folder} belongs to another user", "set XDG_RUNTIME_DIR to a folder of yours")
            if found.st_mode & 0o077:
                self._folder.chmod(0o700)
            self.name, self._lock = self._first_free(flow)
        except OSError as error:
            raise SetupError(
                f"{self._folder} cannot be used for the flow's socket: {error.strerror}",
                "set XDG_RUNTIME_DIR to a folder that this user may write",
            ) from error
        self.path = self._folder / f"{quote(self.name, safe='@ ')}.sock"

    def listen(self) -> socket.socket:
        """A socket at `path` that only this user can open, in place of one that a killed flow left behind.

        Raises:
            SetupError: it cannot be made there.
        """
        if len(os.fsencode(self.path)) > LONGEST:
            raise SetupError(f"{self.path} is too long for a socket", "set XDG_RUNTIME_DIR to a shorter path")
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.path.unlink(missing_ok=True)  # The lock is ours, so whoever made it is gone.
            listening.bind(str(self.path))  # The folder lets nobody else in, also in the moment before the next line.
            self.path.chmod(0o600)
            listening.listen(64)
        except OSError as error:
            listening.close()
            raise SetupError(f"no socket can be made at {self.path}: {error.strerror}") from error
        return listening

    def release(self) -> None:
        """Give the name back and take the socket away."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
        os.close(self._lock)

    def _first_free(self, flow: str) -> tuple[str, int]:
        for number in range(1, 100):
            name = flow if number == 1 else f"{flow}@{number}"
            lock = os.open(
                self._folder / f"{quote(name, safe='@ ')}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
            else:
                return name, lock
        raise SetupError(f"100 flows named '{flow}' run already", "stop some of them")
