"""What nodes conclude from reads: that a plate is on a list, that a barrier is to open, that a car was parked."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flowalpr.messages import Message, PlateRead, Stamp, masked


@dataclass(frozen=True, slots=True, repr=False)
class Listed:
    """The entry of a watch list that a plate matches."""

    list: str
    """The name of the node that has the list."""
    plate: str
    """The plate as the list has it, in normal form."""
    action: str
    """`allow`, `deny` or `alert`."""
    label: str = ""
    """What the list says of it."""
    distance: float = 0.0
    """How far apart plate and read are (`plates.distance`); 0 if they are equal."""

    def record(self) -> dict[str, Any]:  # Any: the values that JSON has
        """All of it as plain values."""
        return {
            "list": self.list,
            "plate": self.plate,
            "action": self.action,
            "label": self.label,
            "distance": round(self.distance, 3),
        }

    def __repr__(self) -> str:  # The label may be a name.
        return f"Listed({masked(self.plate)!r}, {self.action!r}, list={self.list!r})"


@dataclass(frozen=True, slots=True, eq=False)
class Signal(Message):
    """What a barrier is told: to open for a plate, or that the time to keep it open is over."""

    on: bool
    """True to open, False to reset."""
    read: PlateRead
    """The plate for which it opened last."""
    stamp: Stamp
    """Camera and frame of that plate, and when the signal was given."""
    delay: float
    """Seconds from the first frame in which the plate could be read to the signal to open."""
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def record(self) -> dict[str, Any]:  # Any: the values that JSON has
        """Everything but the pictures."""
        return {
            **Message.record(self),
            "delay": round(self.delay, 3),
            "text": self.read.text,
            "read": self.read.id,
            "listed": [each.record() for each in self.read.listed],
        }


@dataclass(frozen=True, slots=True, eq=False)
class Alert(Message):
    """Something that a person should look at now."""

    severity: str
    """`low`, `medium` or `high`."""
    label: str
    """What it is about, in the operator's words."""
    read: PlateRead
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    """Made at its birth; by this it is acknowledged."""

    @property
    def stamp(self) -> Stamp:
        """The read's stamp."""
        return self.read.stamp

    def record(self) -> dict[str, Any]:  # Any: the values that JSON has
        """Everything but the pictures; the read's record is in it."""
        return {**Message.record(self), "read": self.read.record()}


@dataclass(frozen=True, slots=True, eq=False)
class Erasure(Message):
    """A person's data was erased here: whoever was sent one of these reads is to erase it too."""

    reads: tuple[str, ...]
    """Ids of the reads; their plate is not named."""
    time: datetime
    """When it was erased (UTC, aware)."""
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def record(self) -> dict[str, Any]:  # Any: the values that JSON has
        """All of it as plain values."""
        return {"type": "Erasure", "id": self.id, "time": self.time.isoformat(), "reads": list(self.reads)}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ParkingSession(Message):
    """A car's stay, told twice: when it begins and when it ends."""

    id: str
    """The same at both."""
    state: str
    """`open`, `closed`, `lost exit` (it must have left unseen) or `lost entry` (it left, and came unseen)."""
    text: str
    """The plate, as it was read at the entry; at the exit if the entry was lost."""
    stamp: Stamp
    """Camera and time of what is told."""
    occupancy: int
    """How many sessions are open now."""
    entered: datetime | None
    """UTC, aware; None for a lost entry."""
    left: datetime | None = None
    """UTC, aware; None while it is open and for a lost exit."""
    duration: float | None = None
    """Seconds between the two, not below 0; None unless the session is closed."""
    distance: float = 0.0
    """How far apart the texts at entry and exit were (`plates.distance`)."""

    def record(self) -> dict[str, Any]:  # Any: the values that JSON has
        """All of it as plain values, times in ISO 8601."""
        times = {"entered": self.entered, "left": self.left}
        return {
            **Message.record(self),
            **{name: time.isoformat() if time else None for name, time in times.items()},
            "distance": round(self.distance, 3),
        }

    def __repr__(self) -> str:
        return f"ParkingSession({masked(self.text)!r}, {self.state!r}, id={self.id!r})"
