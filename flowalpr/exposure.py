"""Where plates get to when they leave a flow, said by the nodes that let them: for people to be told, and judged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal


@dataclass(frozen=True, slots=True)
class Exposure:
    """One place to which a node lets plates get."""

    how: Literal["kept", "sent", "shown"]
    """`kept` on a disk, `sent` to another machine, or `shown` to whoever looks."""
    where: str
    """In words for anybody: `the file plates.db`, `the web server tariff.example`."""
    fault: str = ""
    """What is wrong with it: that it is not sealed or encrypted, or kept for ever; empty if nothing is."""
    fix: str = ""
    """What to do about that."""
    setting: str = ""
    """The setting that it is about, if it is about one."""
    longest: timedelta | None = None
    """For how long it is kept at most; None if that is not known or it is not kept."""


def on_this_machine(host: str) -> bool:
    """Whether a host name means this machine, so that what is sent there crosses no network."""
    return host in ("localhost", "::1", "[::1]") or host.startswith("127.")
