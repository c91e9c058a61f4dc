"""The node `watchlist`: which plates are on a list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, field_validator

from flowalpr import Fault, Listed, Node, PlateRead, SetupError
from flowalpr.plates import Near, Nearby, normal

if TYPE_CHECKING:
    from flowalpr_builtin.filters.list_file import Entry
    from flowalpr_builtin.filters.list_watch import ListWatch

GRAVEST_FIRST = ("deny", "alert", "allow")
Verdict = Literal["match", "outdone", "expired", "too far"]
NEAR_MISS = 0.95
"""How far away a plate may be that is told as one that just does not match."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plate of the list that a text may be, and what stands against it."""

    entry: Entry
    distance: float
    verdict: Verdict


class Watchlist(Node):
    """Tell which plates are on a list, and pass on those that are or those that are not.

    The list is a file with the columns `plate` and, if you like, `label`, `action` (`allow`, `deny` or `alert`) and
    `until` (the last day, `2026-12-31`, or a time): CSV with a first line that names them, YAML with a list of plates
    or of such rows, or the table `watchlist` of a SQLite file. Edit it while the flow runs: a change counts within a
    second. As long as the file is broken or gone the old list stays in use, and the error is shown.

    How plates are written does not matter (`ab-12 cd` is `AB12CD`), and look-alikes match as far as `alike` allows. The
    nearest entry counts; of several as near, deny goes before alert, and alert before allow. The read passed on bears
    the entry as `listed`, beside those of other lists. `flowalpr watchlist preview` shows what would match.
    """

    path: Path
    """The list, `.csv`, `.yaml` or `.db`; `~` is the home folder."""
    keep: Literal["listed", "unlisted", "all", "allow", "deny", "alert"] = "listed"
    """What goes on: `listed` reads, `unlisted` ones, `all`, or only those of one action: before a barrier, `allow`."""
    action: Literal["allow", "deny", "alert"] = "alert"
    """The action of entries that name none."""
    alike: Annotated[float, Field(ge=0, lt=1)] = 0.2
    """How far apart read and plate may be: 0 for equal ones, 0.1 forgives a 0 read as O or a 1 as I, 0.2 two of these,
    or an S for a 5 or a B for an 8. Below 1, a missing or added character is never forgiven."""

    _watch: ListWatch | None = None

    @field_validator("path")
    @classmethod
    def _has_a_known_ending(cls, path: Path) -> Path:
        from flowalpr_builtin.filters.list_file import ENDINGS

        if path.suffix not in ENDINGS:
            raise ValueError(f"'{path}' ends in none of {', '.join(ENDINGS)}")
        return path.expanduser()

    def open(self) -> None:
        from flowalpr_builtin.filters.list_file import ListError
        from flowalpr_builtin.filters.list_watch import ListWatch

        try:
            self._watch = ListWatch(self.path, self.action, self.alike)
        except ListError as error:
            fix = f"edit {self.path}" if self.path.exists() else f"see what there is: ls -l {self.path.parent}"
            raise SetupError(f"the watch list cannot be used: {error}", fix) from None
        self._watch.start()

    def process(self, read: PlateRead) -> PlateRead | None:
        others = tuple(each for each in read.listed if each.list != self.name)
        near = self._nearest(read.text, read.stamp.time)
        self.tally(near.item.action if near else "unlisted")
        if near is None:
            return replace(read, listed=others) if self.keep in ("unlisted", "all") else None
        entry = near.item
        listed = Listed(self.name, entry.plate, entry.action, entry.label, near.distance)
        return replace(read, listed=(*others, listed)) if self.keep in ("listed", "all", entry.action) else None

    def due(self, now: datetime) -> Iterator[Fault]:
        while self._watch is not None and not self._watch.errors.empty():
            yield Fault(self._watch.errors.get())

    def close(self) -> None:
        if self._watch is not None:
            self._watch.stop()

    def list_size(self) -> int:
        """How many entries the list has that is in use; may be called from any thread."""
        return len(self._watch.entries) if self._watch is not None else 0

    def list_add(self, row: dict[str, str]) -> None:
        """Add an entry (`plate`, `action`, `label`, `until`) to the file; may be called from any thread.

        Raises:
            SetupError: a value is none, or the file cannot be written.
        """
        from flowalpr_builtin.filters.list_file import ListError
        from flowalpr_builtin.filters.list_writing import add_entry

        try:
            add_entry(self.path, row, self.action)
        except ListError as error:
            raise SetupError(f"nothing was added to the list of '{self.name}': {error}") from None

    def candidates(self, text: str, now: datetime) -> list[Candidate]:
        """The entries that a text may be: the one that counts, then those that do not, the nearest first."""
        if self._watch is None:
            return []
        match = self._nearest(text, now)
        near_enough = [near.item for near in self._watch.plates.find(normal(text))]
        wide: Nearby[Entry] = Nearby(max(self.alike, NEAR_MISS))
        for entry in self._watch.entries:
            wide.add(entry.plate, entry)
        found = []
        for near in wide.find(normal(text)):
            verdict: Verdict = "expired" if near.item.is_over(now) else "outdone"
            if match is not None and near.item is match.item:
                verdict = "match"
            elif near.item not in near_enough:
                verdict = "too far"
            found.append(Candidate(near.item, near.distance, verdict))
        return sorted(found, key=lambda each: (each.verdict != "match", each.distance))

    def _nearest(self, text: str, now: datetime) -> Near[Entry] | None:
        """The entry that counts for a text, if there is one."""
        if self._watch is None:
            return None
        found = [near for near in self._watch.plates.find(normal(text)) if not near.item.is_over(now)]
        return min(found, key=lambda near: (near.distance, GRAVEST_FIRST.index(near.item.action)), default=None)
