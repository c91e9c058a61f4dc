"""The reads that a flow keeps: found in its stores, corrected there, and put aside for training."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from flowalpr.control.heard import Heard, Record
from flowalpr.errors import FlowalprError
from flowalpr.storage.corrections import FOLDER, Corrections

if TYPE_CHECKING:
    from flowalpr.flow.graph import Graph
    from flowalpr.storage import Query, ReadStore, StoreAddress


class NoSuchReadError(FlowalprError):
    """There is no read of that id."""

    exit_code = 2


class Shelf:
    """The reads of one flow. Usable from several threads; all of it waits for the disk."""

    def __init__(self, graph: Callable[[], Graph], heard: Heard, folder: Path) -> None:
        """`graph` gives the flow as it runs now, `folder` is where it keeps its state."""
        self._graph = graph
        self._heard = heard
        self._corrections = Corrections(folder / FOLDER)
        self._stores: dict[StoreAddress, ReadStore] = {}
        self._lock = threading.Lock()

    def search(self, query: Query, limit: int) -> list[Record]:
        """The latest reads that fit: from the stores if the flow has any, else those remembered since the start.

        Raises:
            SetupError: a store cannot be opened or read.
        """
        stores = self._opened()
        if not stores:
            return [each.record() for each in self._heard.reads() if _fits(query, each.record())][:limit]
        found = {each.id: each.record() for store in stores for each in store.search(query, limit)}
        for id_, record in found.items():
            heard = self._heard.read(id_)
            if heard is not None:
                record.update({name: value for name, value in heard.record().items() if name not in record})
        return sorted(found.values(), key=lambda record: str(record["time"]), reverse=True)[:limit]

    def correct(self, id_: str, text: str) -> Record:
        """Write a read's text anew, wherever it is kept; the read as it is now, and whether it was `queued`.

        Raises:
            NoSuchReadError: there is none.
            SetupError: a store cannot be written.
        """
        stored = [read for store in self._opened() if (read := store.correct(id_, text)) is not None]
        heard = self._heard.correct(id_, text)
        if not stored and heard is None:
            raise NoSuchReadError("there is no read of that id")
        record = stored[0].record() if stored else {}
        return {**(heard.record() if heard else {}), **record, "queued": self._queue(id_, text)}

    def picture(self, id_: str) -> bytes | None:
        """The plate of a read as JPEG; None if there is no picture of it.

        Raises:
            SetupError: a store cannot be read.
        """
        heard = self._heard.read(id_)
        if heard is not None:
            import cv2

            _, data = cv2.imencode(".jpg", heard.read.detection.crop(margin=0.2))
            return data.tobytes()
        from flowalpr.storage import AlteredError

        for store in self._opened():
            with suppress(AlteredError):
                return store.picture(id_)
        return None

    def close(self) -> None:
        """Let go of all stores."""
        with self._lock:
            stores, self._stores = self._stores, {}
        for store in stores.values():
            store.close()

    def _opened(self) -> list[ReadStore]:
        """The stores of all nodes that say where they keep reads (`address`)."""
        from flowalpr.storage import ReadStore, StoreAddress

        named = [getattr(each.node, "address", None) for each in self._graph().nodes.values()]
        wanted = [each for each in named if isinstance(each, StoreAddress)]
        with self._lock:
            for address in wanted:
                if address not in self._stores:
                    self._stores[address] = ReadStore(address)
            return [self._stores[address] for address in dict.fromkeys(wanted)]

    def _queue(self, id_: str, text: str) -> bool:
        """Put the picture with its true text aside for training; False without a picture."""
        data = self.picture(id_)
        return data is not None and self._corrections.add(id_, text, data)


def _fits(query: Query, record: Record) -> bool:
    """Whether a remembered read is what is asked for."""
    return (
        (not query.cameras or record["camera"] in query.cameras)
        and (not query.reasons or record.get("reason") in query.reasons)
        and (query.since is None or datetime.fromisoformat(record["time"]) >= query.since)
        and (query.until is None or datetime.fromisoformat(record["time"]) < query.until)
        and query.matcher()(str(record["text"]))
    )
