"""The picture of a running flow at one moment: what the summary, the monitor and scripts are shown."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class _Snapshot(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NodeSnapshot(_Snapshot):
    """One node; counts since the start or, of one that a redeploy put in, since then; times in milliseconds."""

    name: str
    uses: str
    kind: str
    inputs: tuple[str, ...] = ()
    """Names of the nodes it receives from."""
    since: datetime | None = None
    """When a redeploy put it in or replaced it; None if it is there since the start."""
    state: str
    taken: int
    given: int
    dropped: int
    """Messages not given to it: a frame replaced by a newer one on the way, or the node rests after errors."""
    waiting: int
    """Messages on the wires to it."""
    errors: int
    last_error: str
    tallies: dict[str, int] = {}
    """What the node itself counts, by name."""
    notes: dict[str, str] = {}
    """What the node itself says, by name, such as the `decoder` in use."""
    busy_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float


class WireSnapshot(_Snapshot):
    """One wire between two threads."""

    source: str
    target: str
    holds: int
    waiting: int
    peak: int
    """The most that ever waited."""
    passed: int
    dropped: int
    blocked: int
    """How often the sender had to wait for room."""
    age_ms: float
    """How long the last message taken had waited."""
    oldest_ms: float
    """The longest that any message waited."""


class CameraSnapshot(_Snapshot):
    """One source of frames; counts as of its node."""

    name: str
    """Its node's, and the camera's in every stamp."""
    state: str
    """`connecting`, `live`, `stalled 12 s`, `retry in 8 s: ...`; `running` or `ended` of one that is not steady.

    In place of `live`, the node's own words for what a person should know, such as that one of two streams is away.
    """
    fps: float
    """Frames a second of late."""
    frames: int
    dropped: int
    """Frames replaced by newer ones before the next node took them."""
    reconnects: int
    """How often it has been tried again after a failure."""
    age_s: float | None
    """Seconds since the last frame came; None before the first."""
    width: int
    """Pixels in a row of the last frame; 0 before the first."""
    height: int
    decoder: str
    """Codec and what decodes it, such as `h264, software`; empty where the source does not say."""


class SinkSnapshot(_Snapshot):
    """One sink."""

    name: str
    uses: str
    backlog: int
    """Messages that it has taken and that have not arrived where it sends them, and those that wait on its wires."""
    state: str


class BoxSnapshot(_Snapshot):
    """The machine."""

    cpu_percent: float
    """Of all cores together."""
    memory_percent: float
    memory_used: int
    """Bytes, of the whole machine."""
    memory_total: int
    flow_memory: int
    """Bytes that this flow's process holds."""
    disk_free: int
    """Bytes free where the flow keeps its state."""
    disk_days_left: float | None = None
    """Days until that disk is full if it goes on filling as it does; None where it does not fill, or not yet known."""
    temperature: float | None = None
    """Degrees Celsius of the hottest part that tells; None where none does."""
    gpu: str = ""
    """Name, load and temperature of the GPU in words; empty where there is none, or nothing that could tell."""
    providers: dict[str, str] = {}
    """For each node that runs a network, what really runs it, in words: `CPU`, `CPU, CUDA was asked for`."""


class FlowSnapshot(_Snapshot):
    """A whole flow."""

    flow: str
    time: datetime
    seconds: float
    """How long it has run."""
    nodes: tuple[NodeSnapshot, ...]
    wires: tuple[WireSnapshot, ...]
    cameras: tuple[CameraSnapshot, ...] = ()
    paused: bool = False
    """Whether any node is paused."""
    sinks: tuple[SinkSnapshot, ...] = ()
    reasons: dict[str, int] = {}
    """Passages by how they ended: `read`, or why there is no plate."""
    box: BoxSnapshot | None = None
    """The machine; None where nobody has looked."""
    alerts_open: int = 0
    """Alerts that nobody has acknowledged."""

    def node(self, name: str) -> NodeSnapshot:
        """The node of that name.

        Raises:
            KeyError: if the flow has none.
        """
        for each in self.nodes:
            if each.name == name:
                return each
        raise KeyError(name)
