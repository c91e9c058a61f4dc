"""Pictures of reads: sealed files beside the database, written before their row and deleted after it.

A file's path follows from its read's id. What a process is about to write it first notes in a journal of its own; what
a killed one left there without a row is swept away when the store is next opened.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from pathlib import Path

from flowalpr.errors import SetupError
from flowalpr.messages import PlateRead
from flowalpr.storage.private_file import sync_to_disk
from flowalpr.storage.seal import AlteredError, DayKey

KINDS = ("crop", "frame")
MARGIN = 0.25
"""Of the plate's height, around the plate in a crop."""
QUALITY = 90
"""Of JPEG."""
MOST_SYNCED = 16
"""Pictures that are brought to the disk one by one; more are by one sync of everything, which takes less time."""
_NUMBER = 8
"""Bytes before the sealed picture: the number of its key."""


def jpeg(read: PlateRead, kind: str) -> bytes:
    """The plate (`crop`) or the whole `frame` of a read as JPEG."""
    from PIL import Image

    image = read.detection.crop(MARGIN) if kind == "crop" else read.frame.image
    content = io.BytesIO()
    Image.fromarray(image[:, :, ::-1]).save(content, "JPEG", quality=QUALITY)
    return content.getvalue()


def file_name(id_: str, kind: str) -> str:
    """The path of a read's picture within the folder; ids of strangers are no paths."""
    name = blake2b(id_.encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()
    return f"{name[:2]}/{name}.{kind}"


class Pictures:
    """The folder of a store's pictures."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._journal: int | None = None
        self._path: Path | None = None

    def write(self, files: Iterable[tuple[str, str, bytes, DayKey]]) -> None:
        """Write pictures, each given as id, kind, JPEG and key: on the disk before their rows are.

        Raises:
            SetupError: they cannot be written.
        """
        files = list(files)
        if not files:
            return
        try:
            self._note([(file_name(id_, kind), id_) for id_, kind, _, _ in files])
            paths = [self._put(*each) for each in files]
            if len(paths) > MOST_SYNCED:
                os.sync()
            else:
                for path in (*paths, *{path.parent for path in paths}):
                    sync_to_disk(path)
        except OSError as error:
            raise SetupError(
                f"pictures cannot be written to {self.folder}: {error.strerror}", f"df -h {self.folder.absolute()}"
            ) from None

    def written(self) -> None:
        """Their rows are on the disk as well."""
        if self._journal is not None:
            os.ftruncate(self._journal, 0)

    def read(self, id_: str, kind: str, key_of: Callable[[int], DayKey]) -> bytes:
        """The JPEG of a read.

        Raises:
            AlteredError: it is missing or was altered, or its key is destroyed.
        """
        try:
            content = (self.folder / file_name(id_, kind)).read_bytes()
        except FileNotFoundError:
            raise AlteredError("its file is missing") from None
        except OSError as error:
            raise AlteredError(f"its file cannot be read: {error.strerror}") from None
        key = key_of(int.from_bytes(content[:_NUMBER], "big"))
        return key.seal.opened(content[_NUMBER:], f"{kind}\0{id_}".encode())

    def delete(self, files: Iterable[str]) -> None:
        """Delete files, as `file_name` names them, those that are there."""
        for each in files:
            (self.folder / each).unlink(missing_ok=True)

    def files(self) -> Iterator[str]:
        """All pictures that are there, as `file_name` names them."""
        for each in sorted(self.folder.glob("??/*")):
            yield str(each.relative_to(self.folder))

    def sweep(self, is_kept: Callable[[str, str], bool]) -> int:
        """Delete what killed processes left without a row (`is_kept(id, kind)`); how many files those were."""
        swept = 0
        for journal in [*self.folder.glob(".unfinished-*"), *self.folder.glob(".starting-*")]:
            with journal.open("rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue  # Its process is alive.
                for line in file.read().splitlines():
                    name, id_ = json.loads(line)
                    if not is_kept(id_, name.rpartition(".")[2]):
                        swept += (self.folder / name).exists()
                        self.delete([name])
                    path = self.folder / name
                    for part in path.parent.glob(f".{path.name}.*.part"):
                        part.unlink(missing_ok=True)
                journal.unlink(missing_ok=True)
        return swept

    def close(self) -> None:
        """Give the journal up."""
        if self._journal is not None and self._path is not None:
            if os.fstat(self._journal).st_size == 0:
                self._path.unlink(missing_ok=True)
            os.close(self._journal)
            self._journal = self._path = None

    def _put(self, id_: str, kind: str, content: bytes, key: DayKey) -> Path:
        """Write a picture whole or not at all; it is not yet on the disk."""
        path = self.folder / file_name(id_, kind)
        path.parent.mkdir(exist_ok=True, mode=0o700)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(key.number.to_bytes(_NUMBER, "big") + key.seal.closed(content, f"{kind}\0{id_}".encode()))
            unfinished.replace(path)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise
        return path

    def _note(self, files: list[tuple[str, str]]) -> None:
        """Write into our journal what we are about to write."""
        if self._journal is None:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            name = os.urandom(8).hex()
            starting, self._path = self.folder / f".starting-{name}", self.folder / f".unfinished-{name}"
            self._journal = os.open(starting, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._journal, fcntl.LOCK_EX)
            starting.rename(self._path)
        os.write(self._journal, "".join(json.dumps(each) + "\n" for each in files).encode())
        os.fsync(self._journal)
