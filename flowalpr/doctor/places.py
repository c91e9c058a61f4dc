"""Where a flow keeps things: whether it may write there, whose the files are, and for how long the disk lasts."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from flowalpr.findings import Finding

MOST_FILES = 50_000
"""Files that are looked at; a folder of pictures may hold millions."""
DAY = 86400.0
LATELY = 7 * DAY
"""Seconds over which the growth of a folder is counted."""
LITTLE, TOO_LITTLE = 2e9, 2e8
"""Bytes of free disk that are doubtful, and those with which a database stops."""
SOON = 30
"""Days of disk below which somebody should know."""


def state(folder: Path) -> Iterator[Finding]:
    """Whether a flow may keep its state in that folder, and nobody else reads it."""
    there = next(each for each in (folder, *folder.parents) if each.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        what = f"state: {there} cannot be written by this user"
        yield Finding("wrong", what, f"sudo install -d -o $USER -m 700 {folder}, or set FLOWALPR_STATE")
        return
    if there != folder:
        yield Finding("ok", f"state: {folder} will be made at the first run")
        return
    yield _privacy(folder)
    yield from _strangers(folder)


def disks(paths: Iterable[Path]) -> Iterator[Finding]:
    """Free room on each disk that these are on, and the days until it is full if what grows goes on growing."""
    by_disk: dict[int, list[Path]] = {}
    for path in paths:
        there = next(each for each in (path, *path.absolute().parents) if each.exists())
        by_disk.setdefault(there.stat().st_dev, []).append(path)
    for here in by_disk.values():
        there = next(each for each in (here[0], *here[0].absolute().parents) if each.exists())
        free = shutil.disk_usage(there).free
        growth = sum(growth_of(path) or 0.0 for path in here if path.exists())
        yield _room(there, free, growth)


def growth_of(path: Path) -> float | None:
    """Bytes a day by which a file or folder has grown; None if that cannot be told yet."""
    if path.is_dir():
        since = time.time() - LATELY
        return sum(each.st_size for each in _files(path) if each.st_mtime > since) / (LATELY / DAY)
    born = _born(path)
    age = (time.time() - born) / DAY if born else 0.0
    return path.stat().st_size / age if age >= 1 else None


def newest(folder: Path) -> Path | None:
    """The file in a folder that was written last."""
    found = [path for path in _walk(folder) if path.is_file()] if folder.is_dir() else []
    return max(found, key=lambda path: path.stat().st_mtime) if found else None


def _room(there: Path, free: float, growth: float) -> Finding:
    words = f"disk: {free / 1e9:.1f} GB free where {there} is"
    days = free / growth if growth else None
    if days is not None:
        words += f", {days:.0f} days at {growth / 1e6:.1f} MB a day" if days < 3650 else ", for years"
    fix = f"see what fills it: du -xh {there} | sort -h | tail; keep less, or for a shorter time"
    if free < TOO_LITTLE:
        return Finding("wrong", words, fix)
    return Finding("warning", words, fix) if free < LITTLE or (days or SOON) < SOON else Finding("ok", words)


def _privacy(folder: Path) -> Finding:
    if stat.S_IMODE(folder.stat().st_mode) & 0o005:
        found = [path for path in _walk(folder) if stat.S_IMODE(path.lstat().st_mode) & 0o004]
        if found:
            what = f"state: others may read {len(found)} files in {folder}, such as {found[0].name}"
            return Finding("warning", what, f"chmod -R go= {folder}")
    return Finding("ok", f"state: {folder}")


def _strangers(folder: Path) -> Iterator[Finding]:
    """Files that root or somebody else has left, which the folder's owner cannot write."""
    owner = folder.stat().st_uid
    found = [path for path in _walk(folder) if path.lstat().st_uid != owner]
    if found:
        what = f"state: {len(found)} files in {folder} belong to another user, such as {found[0].name}"
        yield Finding("wrong", what, f"sudo chown -R {_name_of(owner)} {folder}")


def _walk(folder: Path) -> Iterator[Path]:
    seen = 0
    for root, _, names in os.walk(folder):
        for name in names:
            seen += 1
            if seen > MOST_FILES:
                return
            yield Path(root) / name


def _files(folder: Path) -> Iterator[os.stat_result]:
    for path in _walk(folder):
        with suppress(FileNotFoundError):  # A flow that runs may take it away.
            yield path.lstat()


def _born(path: Path) -> float | None:
    """When a file was made, in seconds since 1970; Python cannot ask Linux for it."""
    with suppress(OSError, ValueError, subprocess.TimeoutExpired):
        command = ["stat", "-c", "%W", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)  # noqa: S603  # Our words.
        return float(done.stdout) or None
    return None


def _name_of(owner: int) -> str:
    with suppress(KeyError):
        return pwd.getpwuid(owner).pw_name
    return str(owner)
