"""The record of who searched, exported, erased, corrected or changed something, from where and why.

A line for each, in a file that is only added to; what makes a change of it visible is in `audit_chain.py`. A file of
lines and not SQLite: what is left of a damaged one can be read, and nothing of it is ever to be changed or removed.
"""

from __future__ import annotations

import os
import re
import syslog
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from flowalpr.errors import SetupError
from flowalpr.plates import normal
from flowalpr.state import state_folder
from flowalpr.storage.audit_chain import HEAD_LOST, MENDED, PURPOSES, Entry, Plain, Who, entry_of, line_of, sealed
from flowalpr.storage.audit_check import Verdict, check
from flowalpr.storage.audit_seals import (
    Head,
    Keys,
    month_of,
    new_keys,
    read_head,
    read_keys,
    write_head,
    write_keys,
)
from flowalpr.storage.private_file import locked, require_private, sync_to_disk

__all__ = ["AuditLog", "Entry", "PurposeMissingError", "Verdict", "Who", "audit_folder"]


class PurposeMissingError(SetupError):
    """Something was to be done for which a purpose must be given, and none was."""

    exit_code = 2

    def __init__(self, action: str) -> None:
        self.action = action
        super().__init__(f"'{action}' needs a purpose here", 'say it, for example: --why "case 2026/114, stolen car"')


def audit_folder() -> Path:
    """Where the log is unless told otherwise: `$FLOWALPR_AUDIT`, else beside the state of the flows."""
    named = os.environ.get("FLOWALPR_AUDIT")
    return Path(named).expanduser() if named else state_folder("audit.d")  # No flow can be named so.


class AuditLog:
    """The log in a folder. Many processes and threads may use one at the same time."""

    def __init__(self, folder: Path | None = None, clock: Callable[[], datetime] | None = None) -> None:
        """Touches nothing yet; the folder is made by the first entry."""
        self.folder = folder or audit_folder()
        self._log = self.folder / "audit.jsonl"
        self._head = self.folder / "audit.head"
        self._keys = self.folder / "audit.key"
        self._clock = clock or (lambda: datetime.now(timezone.utc))

    def record(
        self, action: str, who: Who, *, plate: str = "", why: str = "", about: Mapping[str, Plain] | None = None
    ) -> Entry:
        """Add an entry; it is on the disk when this returns. Call it before what it tells of is done.

        Of `plate` a keyed pseudonym is kept, and wherever it stands in `why` and `about` it is struck out.

        Raises:
            PurposeMissingError: a purpose must be given for this and was not.
            SetupError: it cannot be written, so what it tells of must not be done.
        """
        with self._writing() as end:
            if action in end.head.required and not why.strip():
                raise PurposeMissingError(action)
            told = {name: _told(value, plate) for name, value in (about or {}).items()}
            return self._add(end, Entry(0, end.now, who, action, plate, told, _struck(why, plate)))

    def require_purpose(self, actions: tuple[str, ...], who: Who) -> Entry:
        """Ask a purpose for these actions from now on, and for no others."""
        with self._writing() as end:
            end.head = replace(end.head, required=actions)
            return self._add(end, Entry(0, end.now, who, PURPOSES, about={"actions": list(actions)}))

    def forget_plates_before(self, month: str, who: Who) -> Entry:
        """Destroy the keys of pseudonyms of earlier months (`2026-11`): those entries lead to no plate any more."""
        with self._writing() as end:
            end.keys = end.keys.without_months_before(month)
            write_keys(self._keys, end.keys)
            return self._add(end, Entry(0, end.now, who, "pseudonyms forgotten", about={"before": month}))

    def pseudonyms(self, plate: str) -> frozenset[str]:
        """All pseudonyms under which that plate may be in the log."""
        keys = read_keys(self._keys)
        return keys.pseudonyms(plate) if keys else frozenset()

    def entries(self) -> Iterator[Entry]:
        """What is in the log, the first first; lines that are not as we wrote them are left out (see `verify`)."""
        keys = read_keys(self._keys)
        for line in self._lines() if keys else ():
            entry = entry_of(line.removesuffix(b"\n"), keys.chain) if keys else None
            if entry is not None:
                yield entry

    def verify(self, anchor: str = "") -> Verdict:
        """Whether all that was ever recorded is there as it was; `anchor` is what an earlier verdict gave.

        Raises:
            SetupError: there is a log but no key, or the files cannot be read.
        """
        keys = read_keys(self._keys)
        if keys is None:
            if self._log.exists() and self._log.stat().st_size:
                raise self._keyless()
            return check((), b"", Head(), anchor)
        # With the lock, or the end of the file and the head might be of different moments.
        with self._held(shared=True):
            return check(self._lines(), keys.chain, read_head(self._head, keys.chain), anchor)

    def _lines(self) -> Iterator[bytes]:
        if self._log.exists():
            with self._log.open("rb") as file:
                yield from file

    @contextmanager
    def _held(self, *, shared: bool) -> Iterator[int]:
        try:
            with locked(self._log, shared=shared) as handle:
                yield handle
        except OSError as error:
            raise SetupError(
                f"the audit log {self._log} cannot be {'read' if shared else 'written'}: {error.strerror}",
                f"see whether it is yours and has room: ls -la {self.folder}; df -h {self.folder}",
            ) from error

    @contextmanager
    def _writing(self) -> Iterator[_End]:
        """The end of the log, found and mended, for as long as nobody else may write."""
        now = self._clock().astimezone(timezone.utc)
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise SetupError(f"no audit log in {self.folder}: {error.strerror}", "set FLOWALPR_AUDIT") from error
        with self._held(shared=False) as handle:
            require_private(self._log)
            keys = read_keys(self._keys)
            if keys is None:
                if os.fstat(handle).st_size:
                    raise self._keyless()
                keys = new_keys()
                write_head(self._head, Head(), keys.chain)  # First, or its absence would look like a loss.
                write_keys(self._keys, keys)
                sync_to_disk(self.folder.parent)
            if month_of(now) not in keys.months:
                keys = keys.with_month(month_of(now))
                write_keys(self._keys, keys)
            found = read_head(self._head, keys.chain)
            end = _End(handle, keys, found or Head(required=self._required(keys)), now)
            self._mend(end, head_lost=found is None)
            yield end

    def _mend(self, end: _End, *, head_lost: bool) -> None:
        """Take over what a crash left behind the head, and tell in the log of what cannot be put right."""
        us = Who("flowalpr")
        size = os.fstat(end.handle).st_size
        torn = 0
        lines = os.pread(end.handle, max(0, size - end.head.size), end.head.size).splitlines(keepends=True)
        for line in lines:
            entry = entry_of(line.removesuffix(b"\n"), end.keys.chain)
            if not line.endswith(b"\n"):
                torn = len(line)
            elif entry and (head_lost or (entry.number, entry.before) == (end.head.number + 1, end.head.seal)):
                end.head = replace(end.head, number=entry.number, seal=entry.seal)
        if head_lost:
            self._add(end, Entry(0, end.now, us, HEAD_LOST))
        if torn:
            os.ftruncate(end.handle, size - torn)
            self._add(end, Entry(0, end.now, us, MENDED, about={"bytes": torn}))

    def _add(self, end: _End, entry: Entry) -> Entry:
        """Write an entry with the next number, whole or not at all, then the head."""
        plate = end.keys.pseudonym(entry.plate, month_of(end.now)) if entry.plate else ""
        entry = replace(entry, number=end.head.number + 1, plate=plate, before=end.head.seal)
        entry = sealed(entry, end.keys.chain)
        before = os.fstat(end.handle).st_size
        ends_well = before == 0 or os.pread(end.handle, 1, before - 1) == b"\n"
        rest = memoryview(line_of(entry) if ends_well else b"\n" + line_of(entry))
        size = before + len(rest)
        try:
            while rest:
                rest = rest[os.pwrite(end.handle, rest, size - len(rest)) :]
            os.fsync(end.handle)
            head = replace(end.head, number=entry.number, seal=entry.seal, size=size)
            write_head(self._head, head, end.keys.chain)
        except OSError:
            os.ftruncate(end.handle, before)
            raise
        end.head = head
        # So that somebody else than the owner of these files knows how far the log went; without a syslog, nothing.
        syslog.syslog(syslog.LOG_AUTH | syslog.LOG_INFO, f"flowalpr audit {entry.number}:{entry.seal[:32]}")
        return entry

    def _required(self, keys: Keys) -> tuple[str, ...]:
        """The actions for which the log itself says that a purpose is required; asked where the head is lost."""
        required: tuple[str, ...] = ()
        for line in self._lines():
            entry = entry_of(line.removesuffix(b"\n"), keys.chain)
            if entry and entry.action == PURPOSES and isinstance(entry.about["actions"], list):
                required = tuple(entry.about["actions"])
        return required

    def _keyless(self) -> SetupError:
        what = f"the key of the audit log is gone: {self._keys}"
        return SetupError(what, f"put back a copy of it, or put the old log aside: mv {self.folder} {self.folder}.old")


@dataclass
class _End:
    """Where the log ends while it is being written."""

    handle: int
    keys: Keys
    head: Head
    now: datetime


def _told(value: Plain, plate: str) -> Plain:
    """A particular without the plate."""
    if isinstance(value, list):
        return [_struck(each, plate) for each in value]
    return _struck(value, plate) if isinstance(value, str) else value


def _struck(text: str, plate: str) -> str:
    """The text with the plate struck out, however it is spaced or written."""
    letters = normal(plate)
    if len(letters) < 2:
        return text
    return re.sub(r"[\W_]*".join(map(re.escape, letters)), "[plate]", text, flags=re.IGNORECASE)
