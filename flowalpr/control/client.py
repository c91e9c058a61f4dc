"""The door from outside: what the monitor and the command line ask a running flow, here or on another machine."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

import httpx2

from flowalpr.control.answers import (
    AwayError,
    DoorError,
    NotAllowedError,
    Record,
    answer,
    listed,
    mapping,
    trust,
    words,
)
from flowalpr.control.places import is_alive, sockets
from flowalpr.telemetry.snapshot import FlowSnapshot

__all__ = ["AwayError", "Client", "DoorError", "Found", "NotAllowedError", "Record", "flows"]

ANSWER_WITHIN = 15.0
"""Seconds that an answer may take; the first knock at a door makes it ready, which takes one or two."""
CHANGE_WITHIN = 90.0
"""The same of what changes the flow: nodes drain and open."""
SILENCE = 30.0
"""Seconds after which a stream without a sign of life counts as broken."""
FIND_WITHIN = 5.0


@dataclass(frozen=True, slots=True)
class Found:
    """A running flow of this machine."""

    name: str
    """Its own, or `NAME@2` if several of that name run."""
    socket: Path
    process: int
    since: datetime


async def flows() -> list[Found]:
    """The flows that run on this machine and that this user may look into; those that were killed are left out."""
    found = []
    for name, path in sockets():
        if not is_alive(path):
            continue
        try:
            async with Client(path, within=FIND_WITHIN) as client:
                about = await client.about()
        except DoorError:
            continue
        found.append(Found(name, path, about["process"], datetime.fromisoformat(about["since"])))
    return found


class Client:
    """One running flow. An asynchronous context manager; may be kept open over the flow's end and return."""

    def __init__(
        self,
        where: Path | str,
        token: str | None = None,
        *,
        authority: Path | None = None,
        within: float = ANSWER_WITHIN,
        why: str = "",
    ) -> None:
        """`where`: the path of a socket (`flows`), or `https://HOST:PORT`, which needs a token.

        `authority` is the file of the certificate authority that signed the machine's certificate, if no known one did.
        `why` is the purpose of looking at plates, for the audit log, where one is required.

        Raises:
            DoorError: `authority` cannot be read.
        """
        self._why = {"why": why} if why else {}
        self._where = str(where)
        remote = self._where.startswith(("https://", "http://"))
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if remote:
            self._http = httpx2.AsyncClient(
                base_url=self._where, headers=headers, timeout=within, verify=trust(authority), trust_env=False
            )
        else:
            transport = httpx2.AsyncHTTPTransport(uds=self._where)
            self._http = httpx2.AsyncClient(
                base_url="http://flow", headers=headers, timeout=within, transport=transport, trust_env=False
            )

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of all connections."""
        await self._http.aclose()

    async def health(self) -> bool:
        """Whether the flow answers."""
        try:
            await self._get("/health")
        except AwayError:
            return False
        return True

    async def about(self) -> Record:
        """`flow`, `process`, `since`, `version`, and `role`: what you may do."""
        return mapping(await self._get("/flow"))

    async def snapshot(self) -> FlowSnapshot:
        """The flow at this moment."""
        return FlowSnapshot.model_validate(await self._get("/snapshot"))

    async def snapshots(self) -> AsyncIterator[FlowSnapshot]:
        """The flow, four times a second; ends with `AwayError` when the flow does."""
        async for text in self._events("/snapshot/stream"):
            yield FlowSnapshot.model_validate_json(text)

    async def reads(
        self,
        *,
        limit: int = 100,
        camera: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        reason: str | None = None,
        text: str | None = None,
    ) -> list[Record]:
        """Reads, the latest first: those of the store if the flow has one, else those remembered since the start.

        `text` finds a plate, whole or with `*` for any number of characters. Each is what `PlateRead.record()` holds,
        for a viewer without its text.
        """
        wanted = {
            "limit": limit,
            "camera": camera,
            "since": since.isoformat() if since else None,
            "until": until.isoformat() if until else None,
            "reason": reason,
            "text": text,
            **self._why,
        }
        return listed(await self._get("/reads", {key: value for key, value in wanted.items() if value is not None}))

    async def read_stream(self) -> AsyncIterator[Record]:
        """Reads as they come. One under an `id` that came before replaces the earlier."""
        async for text in self._events("/reads/stream", self._why):
            yield mapping(json.loads(text))

    async def crop(self, read_id: str) -> bytes:
        """The picture of a plate, JPEG; of the latest reads only."""
        return await self._bytes(f"/reads/{quote(read_id, safe='')}/crop", self._why)

    async def correct(self, read_id: str, text: str) -> Record:
        """Say what a plate really is; to the store and to the queue for training."""
        return mapping(await self._post(f"/reads/{quote(read_id, safe='')}/correct", {"text": text, **self._why}))

    async def node(self, name: str) -> Record:
        """`settings` (secrets masked), `history` (second by second), `errors` (the last, with trace), `inputs`."""
        return mapping(await self._get(f"/nodes/{quote(name)}"))

    async def pause(self, name: str) -> list[str]:
        """Pause a node; the names of all that now pause, since nodes of one thread do so together."""
        return listed((await self._post(f"/nodes/{quote(name)}/pause"))["nodes"])

    async def resume(self, name: str) -> list[str]:
        """Let a paused node go on."""
        return listed((await self._post(f"/nodes/{quote(name)}/resume"))["nodes"])

    async def restart(self, name: str) -> list[str]:
        """Close a node and open it again."""
        return listed((await self._post(f"/nodes/{quote(name)}/restart"))["nodes"])

    async def errors(self, limit: int = 100) -> list[Record]:
        """The last errors of all nodes, the latest first: `time`, `node`, `camera`, `frame`, `error`, `trace`."""
        return listed(await self._get("/errors", {"limit": limit}))

    async def dead_letters(self, limit: int = 100) -> list[Record]:
        """The last messages that failed and that no node caught, the latest first."""
        return listed(await self._get("/dead-letters", {"limit": limit}))

    async def logs(self, follow: bool = False, limit: int = 200) -> AsyncIterator[Record]:
        """The last lines of the log, the oldest first, then, with `follow`, those to come: `time`, `level`, `event`."""
        if not follow:
            for line in listed(await self._get("/logs", {"limit": limit})):
                yield line
            return
        async for text in self._events("/logs/stream", {"limit": limit}):
            yield mapping(json.loads(text))

    async def picture(self, camera: str, width: int = 1280) -> bytes:
        """The camera's picture now, at most `width` pixels wide, with plates and zones drawn; JPEG."""
        return await self._bytes(f"/cameras/{quote(camera)}/picture", {"width": width, **self._why})

    async def deploy(self, flow: Path | str, *, name: str = "") -> Record:
        """Change to another flow file, given by its path or its text: `changed` nodes, and whether it was `saved`.

        `name` is what errors call it.

        Raises:
            DoorError: it is wrong, with all that is; the flow goes on as it was.
        """
        text = flow.read_text(encoding="utf-8") if isinstance(flow, Path) else flow
        name = name or (str(flow) if isinstance(flow, Path) else "")
        return mapping(await self._post("/deploy", {"text": text, "name": name}))

    async def watchlists(self) -> list[Record]:
        """The watch lists of the flow: `name` of the node, `file`, `entries`."""
        return listed(await self._get("/watchlists"))

    async def add_to_list(
        self, name: str, plate: str, action: str = "alert", *, label: str = "", until: str = ""
    ) -> Record:
        """Add a plate to a watch list; `action` is `allow`, `deny` or `alert`, `until` a day or a time."""
        entry = {"plate": plate, "action": action, "label": label, "until": until}
        return mapping(await self._post(f"/watchlists/{quote(name)}/entries", entry))

    async def alerts(self) -> list[Record]:
        """The alerts that nobody has acknowledged, the gravest first."""
        return listed(await self._get("/alerts"))

    async def acknowledge(self, alert_id: str, note: str = "") -> Record:
        """Close an alert."""
        return mapping(await self._post(f"/alerts/{quote(alert_id, safe='')}/acknowledge", {"note": note}))

    async def metrics(self) -> str:
        """The metrics, as Prometheus reads them."""
        return (await self._bytes("/metrics")).decode()

    async def _get(self, path: str, wanted: Record | None = None) -> Any:  # Any: the values that JSON has
        async with self._asking():
            return answer(await self._http.get(path, params=wanted)).json()

    async def _post(self, path: str, body: Record | None = None) -> Any:  # Any: the values that JSON has
        async with self._asking():
            return answer(await self._http.post(path, json=body or {}, timeout=CHANGE_WITHIN)).json()

    async def _bytes(self, path: str, wanted: Record | None = None) -> bytes:
        async with self._asking():
            return bytes(answer(await self._http.get(path, params=wanted)).content)

    async def _events(self, path: str, wanted: Record | None = None) -> AsyncIterator[str]:
        """The data of server-sent events; signs of life are left out.

        Raises:
            AwayError: the stream has ended: so has the flow, or we did not keep up.
        """
        timeout = httpx2.Timeout(ANSWER_WITHIN, read=SILENCE)
        async with self._asking(), self._http.stream("GET", path, params=wanted, timeout=timeout) as response:
            if response.status_code != 200:
                await response.aread()
            async for line in answer(response).aiter_lines():
                if line.startswith("data: "):
                    yield line.removeprefix("data: ")
        raise AwayError(f"{self._where} has ended the stream", "try again")

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[None]:
        try:
            yield
        except httpx2.TransportError as error:
            fix = "see which flows run: flowalpr status"
            if isinstance(error.__cause__, ssl.SSLError) or "CERTIFICATE" in str(error):
                fix = "give the authority that signed its certificate: --ca FILE"
            raise AwayError(f"{self._where} does not answer: {words(error)}", fix) from error
