"""Back-up, restore and check of a store that is a file. What is sealed stays sealed; the key is never in a back-up."""

from __future__ import annotations

import os
import sqlite3
import tarfile
import tempfile
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sql

from flowalpr.errors import SetupError
from flowalpr.storage.address import StoreAddress
from flowalpr.storage.pictures import KINDS, file_name
from flowalpr.storage.query import Query
from flowalpr.storage.rows import StoredRead
from flowalpr.storage.seal import AlteredError
from flowalpr.storage.store import ReadStore

DATABASE = "plates.db"
PICTURES = "pictures"
"""Names within a back-up."""


NEW = 60.0
"""Seconds for which a picture may wait for its read."""

Watch = Callable[[Iterable[StoredRead], int], Iterable[StoredRead]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found when everything was opened once."""

    reads: int = 0
    pictures: int = 0
    damage: list[str] = field(default_factory=list)
    """What is damaged, missing or left over, each in words, without plates."""


def back_up(store: ReadStore, target: Path) -> tuple[int, int]:
    """Copy a store into a new file, also while flows write to it; how many reads and pictures it holds.

    Raises:
        SetupError: the file is there, or cannot be written, or the store is no file.
    """
    _require_file(store.address)
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file, tempfile.TemporaryDirectory(dir=target.absolute().parent) as folder:
            copy = Path(folder) / DATABASE
            os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
            with closing(sqlite3.connect(store.address.path)) as live, closing(sqlite3.connect(copy)) as kept:
                live.backup(kept, pages=1000, sleep=0.01)  # Bit by bit, so that no append waits for long.
                counts = _packed(file.fileno(), copy, kept, store.address.folder or Path())
            file.flush()
            os.fsync(file.fileno())
        return counts
    except FileExistsError:
        raise SetupError(f"{target} is there already", "name another file") from None
    except (OSError, sqlite3.Error) as error:
        target.unlink(missing_ok=True)
        raise SetupError(f"no back-up can be made in {target}: {error}", f"df -h {target.absolute().parent}") from None


def _packed(handle: int, copy: Path, kept: sqlite3.Connection, folder: Path) -> tuple[int, int]:
    """Writes the tar: the database and the pictures of its reads."""
    reads: int = kept.execute("SELECT count(*) FROM reads").fetchone()[0]
    pictures = 0
    with os.fdopen(os.dup(handle), "wb") as file, tarfile.open(fileobj=file, mode="w") as tar:
        tar.add(copy, DATABASE)
        for id_, *there in kept.execute("SELECT id, crop, frame FROM reads WHERE crop NOTNULL OR frame NOTNULL"):
            for name in (file_name(id_, kind) for kind, key in zip(KINDS, there, strict=True) if key is not None):
                if (folder / name).exists():  # Else it was deleted after the database was copied.
                    tar.add(folder / name, f"{PICTURES}/{name}")
                    pictures += 1
    return reads, pictures


def restore(source: Path, address: StoreAddress) -> None:
    """Put a store back from a back-up, where there is none.

    Raises:
        SetupError: a store is there, or the file is no back-up, or it cannot be written.
    """
    _require_file(address)
    if address.path.exists() or (address.folder is not None and address.folder.exists()):
        raise SetupError(f"{address.path} or its pictures are there already", "move them away, or name another: --db")
    try:
        place = address.path.absolute().parent
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=place) as folder, tarfile.open(source, "r:") as tar:
            tar.extractall(folder, filter="data")
            if not (Path(folder) / DATABASE).is_file():
                raise SetupError(f"{source} is no back-up of a store", "name a file of: flowalpr store backup")
            for each in Path(folder).rglob("*"):
                each.chmod(0o700 if each.is_dir() else 0o600)
            if (Path(folder) / PICTURES).is_dir() and address.folder is not None:
                (Path(folder) / PICTURES).rename(address.folder)
            (Path(folder) / DATABASE).rename(address.path)
    except (OSError, tarfile.TarError) as error:
        raise SetupError(f"{source} cannot be restored: {error}", "check that the file is whole") from None


def verified(store: ReadStore, watch: Watch = lambda reads, _: reads) -> Verdict:
    """Open everything once; `watch` is given the reads and their number, and may show how far it is.

    Raises:
        SetupError: the database cannot be read at all.
    """
    damage, reads, pictures = _broken_pages(store), 0, 0
    left_over = store.picture_files(NEW)
    for read in watch(store.iterate(Query()), store.count(Query())):
        reads += 1
        if read.damage:
            damage.append(f"read {read.id or read.number}: {read.damage}")
        for kind in read.pictures:
            left_over.discard(file_name(read.id, kind))
            try:
                store.picture(read.id, kind)
                pictures += 1
            except AlteredError as error:
                damage.append(f"the {kind} of read {read.id}: {error}")
    damage += [f"picture {each}: it has no read" for each in sorted(left_over)]
    return Verdict(reads, pictures, damage)


def _broken_pages(store: ReadStore) -> list[str]:
    if not store.database.is_sqlite:
        return []
    with store.database.reading() as connection:
        said = connection.scalars(sql.text("PRAGMA integrity_check(20)")).all()
    return [f"the database: {each}" for each in said if each != "ok"]


def _require_file(address: StoreAddress) -> None:
    if address.url is not None:
        raise SetupError("a database behind a URL has tools of its own", "pg_dump and pg_restore; pictures: rsync")
