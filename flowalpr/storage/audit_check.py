"""Whether an audit log is all that it was: which entries were altered, removed or inserted, the first one first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from flowalpr.storage.audit_chain import HEAD_LOST, Entry, entry_of
from flowalpr.storage.audit_seals import Head


@dataclass
class Verdict:
    """What a check of the log found."""

    entries: int = 0
    """How many are there as they were written."""
    problems: list[str] = field(default_factory=list)
    """What was altered, removed or inserted, in the order of the log; empty if nothing was."""
    remarks: list[str] = field(default_factory=list)
    """What is no fault of the log: a clock that was set back, an entry that a power cut left behind the head."""
    anchor: str = ""
    """`NUMBER:SEAL` of the last entry. Kept elsewhere, it shows later that nothing up to it was changed."""


def check(lines: Iterable[bytes], key: bytes, head: Head | None, anchor: str = "") -> Verdict:
    """The verdict on these lines; `head` says where they ought to end, None if it is missing or forged."""
    checking = _Checking(key, anchor)
    for number, line in enumerate(lines, start=1):
        checking.take(number, line)
    checking.end(head)
    return checking.verdict


class _Checking:
    def __init__(self, key: bytes, anchor: str) -> None:
        self.verdict = Verdict()
        self._key = key
        self._anchor = anchor
        self._number = 0  # Of the last entry that is as it was.
        self._seal = ""
        self._time: datetime | None = None
        self._spoilt: list[int] = []  # Lines since then that are not as we wrote them.
        self._torn = False
        self._is_anchored = not anchor

    def take(self, line: int, content: bytes) -> None:
        """Look at the next line."""
        self._torn = not content.endswith(b"\n")
        entry = None if self._torn else entry_of(content.removesuffix(b"\n"), self._key)
        if entry is None:
            self._spoilt.append(line)
        elif entry.number <= self._number:
            self.verdict.problems.append(f"line {line} repeats entry {entry.number} or is out of its place")
        else:
            self._join(entry, line)

    def end(self, head: Head | None) -> None:
        """Look at what ought to come after the last line."""
        if self._torn:
            what = f"line {self._spoilt.pop()} is torn: it was being written when the power went, or it was cut"
            (self.verdict.problems if head is None or self._number < head.number else self.verdict.remarks).append(what)
        if head is None:
            self._settle(self._number + 1)
            what = f"the head is missing or forged: what was removed after entry {self._number} cannot be told"
            self.verdict.problems.append(what)
        else:
            self._settle(max(head.number, self._number) + 1)
            if head.number == self._number and head.seal != self._seal:
                self.verdict.problems.append(f"entry {self._number} is not the one that the head knows")
            if head.number < self._number:
                self.verdict.remarks.append(f"the head knows {head.number} entries: the power went before it was told")
        if not self._is_anchored:
            self.verdict.problems.append(f"the anchor {self._anchor} is not in the log")
        self.verdict.anchor = f"{self._number}:{self._seal[:32]}" if self._number else ""

    def _join(self, entry: Entry, line: int) -> None:
        self._settle(entry.number)
        if entry.number == self._number + 1 and entry.before != self._seal:
            self.verdict.problems.append(f"entry {entry.number} (line {line}) does not follow the entry before it")
        if entry.action == HEAD_LOST:
            what = f"before entry {entry.number} the head was lost: entries that stood there may be missing"
            self.verdict.problems.append(what)
        if self._time and entry.time < self._time:
            back = f"{(self._time - entry.time).total_seconds():.0f} s"
            self.verdict.remarks.append(f"entry {entry.number}: the clock had been set back by {back}")
        self._number, self._seal, self._time = entry.number, entry.seal, entry.time
        self._is_anchored = self._is_anchored or f"{entry.number}:{entry.seal[:32]}" == self._anchor
        self.verdict.entries += 1

    def _settle(self, following: int) -> None:
        """Put into words what lies between the last good entry and number `following`."""
        missing = list(range(self._number + 1, following))
        for line in self._spoilt:
            known = f"entry {missing.pop(0)} (line {line}) was altered" if missing else f"line {line} was inserted"
            self.verdict.problems.append(known)
        self._spoilt.clear()
        if missing:
            first, last = missing[0], missing[-1]
            which = f"entry {first} was" if first == last else f"entries {first} to {last} were"
            self.verdict.problems.append(f"{which} removed")
