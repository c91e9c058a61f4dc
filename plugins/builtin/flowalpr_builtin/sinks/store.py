"""Keeps reads in a store."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from flowalpr import END_OF_TIME, Exposure, Node, PlateRead, Secret, SetupError, Subject
from flowalpr.plates import normal
from flowalpr.storage.retention import NEVER, Keep

if TYPE_CHECKING:
    from flowalpr.storage import Query, ReadStore, StoreAddress, Writer
    from flowalpr.storage.pseudonyms import Pseudonyms
    from flowalpr.storage.purging import Purger

KINDS = ("crop", "frame")
"""Of pictures."""


class Store(Node):
    """Keep each read once, sealed, in a SQLite file or the database that `url` names; `flowalpr reads` shows them.

    Plate texts and pictures are encrypted: whoever gets the file without its key learns when a car passed which
    camera, but not which car. The key is made on the first run and said aloud; keep a copy of it. docs/store.md has
    more. Passages (`vote`) have one entry each, with why there is no plate if there is none; a later stage replaces an
    earlier.

    Reads are written several times a second, many at once. While the disk is full or the database locked, up to 10,000
    are kept in memory and tried again after 1, 2, 4 ... 30 seconds. Only their owner may read the files.
    """

    heavy: ClassVar[bool] = True

    path: Path = Path("plates.db")
    """The SQLite file; `~` is the home folder. Pictures lie beside it."""
    url: Secret | None = None
    """A database in place of the file: where `postgresql+psycopg://user:password@host/name` is found."""
    seal: bool = True
    """`off` leaves everything readable for whoever gets hold of the database, a copy or a back-up of it."""
    key: Secret | None = None
    """Where the key is found, 32 bytes in base64; without it one is made in a file that this user alone may read."""
    crops: bool = True
    """Whether a picture of each plate is kept."""
    frames: bool = False
    """Whether the whole frame is kept as well."""
    pictures: Path | None = None
    """The folder of pictures, in place of the one beside the file."""

    keep: Keep | None = None
    """For how long: `{matched: 30 d, unmatched: 3 min, crops: 24 h}`, or `{law: eu-guidelines}`; else for ever.
    docs/privacy.md has all that can be said here."""

    _writer: Writer | None = None
    _purger: Purger | None = None
    _pseudonyms: Pseudonyms | None = None

    @property
    def address(self) -> StoreAddress:
        """Where it keeps its reads."""
        from flowalpr.storage import StoreAddress

        folder = self.pictures.expanduser() if self.pictures else self.home / "pictures" if self.url else None
        return StoreAddress(self.path.expanduser(), self.url, self.key, self.seal, folder)

    def exposes(self) -> tuple[Exposure, ...]:
        where = f"the store {self.address}"
        if not self.seal:
            return (Exposure("kept", where, "it is not sealed", "seal: on", "seal"),)
        if self.keep is None:
            fix = "keep: {matched: 30 d, unmatched: 24 h, crops: 24 h}, or the periods that your law sets"
            return (Exposure("kept", where, "no rule says for how long", fix, ""),)
        if self.keep.unbounded:
            which = " and ".join(self.keep.unbounded)
            fix = f"add {', '.join(f'{each}: 30 d' for each in self.keep.unbounded)} to `keep`"
            return (Exposure("kept", where, f"{which} reads are kept for ever", fix, "keep"),)
        longest = max(each.keep for each in self.keep.all_rules)
        return (Exposure("kept", f"{where}, sealed", longest=longest),)

    def known_of(self, subject: Subject) -> list[dict[str, Any]]:  # Any: the values that JSON has, and pictures
        if not self._is_there():
            return []
        with self._opened() as store:
            found = [each for query in self._theirs(subject) for each in store.iterate(query)]
            pictures = [{kind: store.picture(each.id, kind) for kind in each.pictures} for each in found]
        return [{**read.record(), "pictures": kept} for read, kept in zip(found, pictures, strict=True)]

    def forget(self, subject: Subject) -> int:
        """Erase a person's reads, but for those under a legal hold.

        Raises:
            SetupError: some are under a hold; the others are erased.
        """
        if not self._is_there():
            return 0
        now = datetime.now(timezone.utc)
        holds = [hold.conditions for hold in self.keep.holds if now < hold.ends] if self.keep else []
        with self._opened() as store:
            queries = self._theirs(subject)
            theirs = {each.id for query in queries for each in store.iterate(query)}
            bound = [dataclasses.replace(query, **hold) for query in queries for hold in holds]
            held = {each.id for query in bound for each in store.iterate(query)}
            erased = store.erase(sorted(theirs - held))
            store.destroy_keys(now)
        if held:
            fix = "the hold in `keep` of this node says until when, and why"
            raise SetupError(f"{erased} reads are erased, {len(held)} are under a legal hold and stay", fix)
        return erased

    def correct(self, subject: Subject, text: str) -> int:
        if not self._is_there():
            return 0
        with self._opened() as store:
            wrong = [each.id for each in store.iterate(self._theirs(subject)[0])]
            return sum(store.correct(each, text) is not None for each in wrong)

    def _is_there(self) -> bool:
        """Whether there is a store; asking about a person makes none."""
        return self.url is not None or self.path.expanduser().exists()

    def _opened(self) -> ReadStore:
        from flowalpr.storage import ReadStore

        return ReadStore(self.address)

    def _theirs(self, subject: Subject) -> list[Query]:
        """The questions that find a person's reads: by the plate, and by its pseudonym while its key lasts."""
        from flowalpr.storage import Query
        from flowalpr.storage.pseudonyms import known_pseudonym

        found = [Query(text=normal(subject.plate), alike=subject.alike)]
        pseudonym = known_pseudonym(self._pseudonym_key, subject.plate)
        return [*found, Query(text=pseudonym)] if pseudonym else found

    @property
    def _pseudonym_key(self) -> Path:
        return self.home / "pseudonyms.key"

    def _kinds(self) -> tuple[str, ...]:
        """The kinds of pictures that are kept at all."""
        allowed = self.keep.pictures() if self.keep else KINDS
        wanted = dict(zip(KINDS, (self.crops, self.frames), strict=True))
        return tuple(kind for kind in allowed if wanted[kind])

    def open(self) -> None:
        from flowalpr.storage import ReadStore, Writer

        store = ReadStore(self.address)
        self._writer = Writer(store, self._kinds())
        if self.keep is not None:
            from flowalpr.storage.pseudonyms import Pseudonyms
            from flowalpr.storage.purging import Purger

            self._purger = Purger(store, self.keep)
            self._pseudonyms = Pseudonyms(self._pseudonym_key, self.keep.rotate)

    def process(self, read: PlateRead) -> None:
        if self._writer is None:
            return
        if self.keep is None or self._pseudonyms is None:
            self._writer.add(read)
        elif self.keep.period(read) == NEVER:
            self.tally("not stored")
        elif self.keep.takes_pseudonym(read):
            told = self._pseudonyms.replaced(read, datetime.now(timezone.utc))
            self._writer.add(told, self.keep.shelf(read), pictures=False)
        else:
            self._writer.add(read, self.keep.shelf(read))

    def due(self, now: datetime) -> None:
        if self._writer is not None:
            self._writer.save(at_once=now == END_OF_TIME)
        if self._purger is not None and now != END_OF_TIME:
            # In a flow of recordings, `now` is theirs: old footage can be read, and is not deleted while it is.
            purged = self._purger.step(now)
            if purged:
                self.tally("purged", purged)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
