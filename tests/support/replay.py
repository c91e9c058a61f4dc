"""A running flow that is told, not run: the same snapshots and reads for every test of the monitor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta, timezone
from io import BytesIO
from typing import Any

from flowalpr.errors import SetupError
from flowalpr.telemetry.snapshot import (
    BoxSnapshot,
    CameraSnapshot,
    FlowSnapshot,
    NodeSnapshot,
    SinkSnapshot,
    WireSnapshot,
)

Record = dict[str, Any]
NOON = datetime(2026, 11, 27, 12, 0, tzinfo=timezone.utc)
PLATES = ("KAB1234", "MZZ5821", "HHXY77", "WAR123C", "1ABC234", "FRPJ9", "AB123CD", "KRTA553")


def node(name: str, uses: str, kind: str, inputs: str = "", **figures: Any) -> NodeSnapshot:
    state = {"state": "running", "dropped": 0, "waiting": 0, "errors": 0, "last_error": "", "busy_ms": 0.0}
    times = {"p50_ms": 0.0, "p95_ms": 0.0, "p99_ms": 0.0}
    counts = {"taken": 0, "given": 0}
    given = {**state, **times, **counts, **figures}
    return NodeSnapshot(name=name, uses=f"builtin.{uses}", kind=kind, inputs=tuple(inputs.split()), **given)


def car_park(seconds: float, *, paused: bool = False) -> FlowSnapshot:
    """A car park of two gates after so many seconds; one camera is away, one sink has lost its broker."""
    frames, slow = int(seconds * 30), int(seconds * 12)
    cars = int(seconds / 2)
    nodes = (
        node("north", "camera", "source", given=frames),
        node("south", "camera", "source", state="retry in 8 s: connection refused", errors=4, given=1200),
        node(
            "plates",
            "detect",
            "detector",
            "north south",
            taken=slow,
            given=slow,
            dropped=frames - slow,
            waiting=1,
            busy_ms=slow * 31.0,
            p50_ms=29.4,
            p95_ms=38.2,
            p99_ms=61.0,
        ),
        node("follow", "track", "filter", "plates", taken=slow, given=slow, busy_ms=slow * 0.3, p50_ms=0.2, p95_ms=0.4),
        node("text", "ocr", "ocr", "follow", taken=slow, given=slow, busy_ms=slow * 9.0, p50_ms=7.5, p95_ms=12.9),
        node(
            "cars",
            "vote",
            "filter",
            "text",
            taken=slow,
            given=cars,
            p50_ms=0.1,
            p95_ms=0.2,
            state="paused" if paused else "running",
            tallies={"read": cars - 6, "too small": 4, "blurred": 2},
        ),
        node("known", "watchlist", "filter", "cars", taken=cars, given=cars, p50_ms=0.1, p95_ms=0.1),
        node(
            "barrier",
            "mqtt",
            "sink",
            "known",
            taken=cars,
            waiting=3,
            errors=2,
            p50_ms=1.2,
            p95_ms=4.0,
            state="running",
            last_error="OSError: the broker at 10.0.0.9 does not answer",
        ),
        node("archive", "store", "sink", "cars", taken=cars, p50_ms=2.0, p95_ms=6.5),
        node("show", "console", "sink", "cars", taken=cars, p50_ms=0.1, p95_ms=0.2),
    )
    wires = (
        WireSnapshot(
            source="north",
            target="plates",
            holds=1,
            waiting=1,
            peak=1,
            passed=slow,
            dropped=frames - slow,
            blocked=0,
            age_ms=21.0,
            oldest_ms=80.0,
        ),
    )
    return FlowSnapshot(
        flow="car-park",
        time=NOON + timedelta(seconds=seconds),
        seconds=seconds,
        nodes=nodes,
        wires=wires,
        paused=paused,
        cameras=(
            CameraSnapshot(
                name="north",
                state="live",
                fps=30.0,
                frames=frames,
                dropped=frames - slow,
                reconnects=0,
                age_s=0.02,
                width=1920,
                height=1080,
                decoder="h264, software",
            ),
            CameraSnapshot(
                name="south",
                state="retry in 8 s: connection refused",
                fps=0.0,
                frames=1200,
                dropped=0,
                reconnects=4,
                age_s=73.0,
                width=1280,
                height=720,
                decoder="hevc, software",
            ),
        ),
        sinks=(
            SinkSnapshot(name="barrier", uses="builtin.mqtt", backlog=128, state="running: the broker does not answer"),
            SinkSnapshot(name="archive", uses="builtin.store", backlog=0, state="running"),
            SinkSnapshot(name="show", uses="builtin.console", backlog=0, state="running"),
        ),
        reasons={"read": cars - 6, "too small": 4, "blurred": 2},
        box=BoxSnapshot(
            cpu_percent=63.0,
            memory_percent=41.0,
            memory_used=3_300_000_000,
            memory_total=8_000_000_000,
            flow_memory=612_000_000,
            disk_free=41_000_000_000,
            disk_days_left=92.4,
            temperature=64.0,
            gpu="",
            providers={"plates": "CPU, CUDA was asked for", "text": "CPU"},
        ),
        alerts_open=1,
    )


def read(number: int, **changes: Any) -> Record:
    """A passage as the door tells it."""
    time = NOON + timedelta(seconds=number * 7)
    text = PLATES[number % len(PLATES)]
    record = {
        "type": "Passage",
        "id": f"read-{number}",
        "time": time.isoformat(),
        "camera": "north",
        "frame": number * 50,
        "text": text,
        "confidence": 0.97 - number % 4 * 0.12,
        "country": ("DE", "DE", "PL", None)[number % 4],
        "raw": text.replace("1", "I", 1),
        "repairs": ["4: I -> 1"] if "1" in text else [],
        "confidences": [0.99 - index * 0.05 for index in range(len(text))],
        "listed": [
            {
                "list": "known",
                "plate": text,
                "action": ("allow", "alert")[number % 2],
                "label": "staff",
                "distance": 0.0,
            }
        ]
        if number % 3 == 0
        else [],
        "node": "known",
        "heard": time.isoformat(),
        "latency_ms": 210.0 + number * 13,
        "reason": "read",
        "stage": "final",
        "first": (time - timedelta(seconds=1)).isoformat(),
        "last": time.isoformat(),
        "seen": 31,
        "reads": 12 + number % 5,
        "direction": ("in", "out")[number % 2],
        "readings": [[text, 9], [text.replace("1", "I", 1), 3]],
    }
    return {**record, **changes}


def reads() -> list[Record]:
    """The latest first; one car was too small to be read."""
    return [
        read(9, text="", raw="", country=None, confidence=0.0, reason="too small", confidences=[]),
        *(read(number) for number in range(8, -1, -1)),
    ]


ALERT = {
    "id": "alert-1",
    "raised": NOON.isoformat(),
    "node": "watch",
    "camera": "north",
    "severity": "high",
    "label": "stolen: call the police",
    "text": PLATES[3],
    "read": "read-3",
    "acknowledged": None,
    "by": "",
    "note": "",
}


def photograph() -> bytes:
    """A drawn scene as JPEG: sky, road, a car."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (320, 180), "#88aacc")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 90, 320, 180), fill="#555555")
    draw.rectangle((110, 70, 210, 130), fill="#aa3333")
    draw.rectangle((140, 108, 180, 118), fill="#eeeeee", outline="#5ed093")
    out = BytesIO()
    image.save(out, "JPEG")
    return out.getvalue()


class Replay:
    """The door of a flow that is told; it remembers what it was asked to do."""

    def __init__(self, *snapshots: FlowSnapshot) -> None:
        self.told = snapshots or (car_park(7268), car_park(7270))
        self.asked: list[tuple[str, ...]] = []
        self.open_alerts = [ALERT]
        self.known = reads()
        self.fresh: asyncio.Queue[Record] = asyncio.Queue()
        self.later: asyncio.Queue[FlowSnapshot | None] = asyncio.Queue()
        """Snapshots to come; None is the end of the flow."""

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Replay]:
        yield self

    async def reach(self) -> AbstractAsyncContextManager[Replay]:
        return self._opened()

    async def snapshots(self) -> AsyncIterator[FlowSnapshot]:
        for each in self.told:
            yield each
        while (later := await self.later.get()) is not None:
            yield later
        raise SetupError("car-park has ended the stream")

    async def read_stream(self) -> AsyncIterator[Record]:
        while True:
            yield await self.fresh.get()

    async def logs(self, follow: bool = False, limit: int = 200) -> AsyncIterator[Record]:
        for number, (level, event) in enumerate(
            (("info", "opened"), ("warning", "the camera does not answer; trying again"), ("error", "no broker"))
        ):
            time = (NOON + timedelta(seconds=number)).isoformat()
            yield {"time": time, "level": level, "event": event, "node": ("north", "south", "barrier")[number]}
        await asyncio.Event().wait()

    async def reads(self, *, limit: int = 100, text: str | None = None) -> list[Record]:
        if text:
            self.asked.append(("search", text))
        return [each for each in self.known if not text or each["text"] == text]

    async def crop(self, read_id: str) -> bytes:
        return photograph()

    async def node(self, name: str) -> Record:
        history = [
            {"taken": 12 + n % 3, "given": 12 + n % 3, "dropped": 18 - n % 3, "errors": 0, "busy_ms": 370.0 + n}
            for n in range(60)
        ]
        trace = 'Traceback (most recent call last):\n  File "outgoing.py", line 71, in process\nOSError: no route'
        errors = [{"error": "OSError: no route to host", "trace": trace}] if name in ("barrier", "south") else []
        settings = [
            {"name": "model", "value": "plate-detector", "default": "plate-detector", "help": "Which detector."},
            {"name": "at_least", "value": "0.4", "default": "0.3", "help": "How sure it must be of a plate, 0..1."},
            {"name": "password", "value": "•••", "default": "", "help": "Where the password is kept."},
        ]
        return {"settings": settings, "history": history, "errors": errors, "inputs": []}

    async def alerts(self) -> list[Record]:
        return self.open_alerts

    async def picture(self, camera: str, width: int = 1280) -> bytes:
        return photograph()

    async def pause(self, name: str) -> list[str]:
        self.asked.append(("pause", name))
        return [name]

    async def resume(self, name: str) -> list[str]:
        self.asked.append(("resume", name))
        return [name]

    async def restart(self, name: str) -> list[str]:
        self.asked.append(("restart", name))
        return [name]

    async def watchlists(self) -> list[Record]:
        return [{"name": "known", "file": "known.csv", "entries": 3}]

    async def add_to_list(self, name: str, plate: str, action: str = "alert", *, label: str = "") -> Record:
        self.asked.append(("add", name, plate, action, label))
        return {}

    async def acknowledge(self, alert_id: str, note: str = "") -> Record:
        self.asked.append(("acknowledge", alert_id))
        self.open_alerts = []
        return {}

    async def correct(self, read_id: str, text: str) -> Record:
        self.asked.append(("correct", read_id, text))
        return {"text": text.upper()}
