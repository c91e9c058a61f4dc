"""Counts what passes through one node, and how long its calls take."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

BUCKETS = 64 * 8
"""Eight buckets an octave of nanoseconds: a quantile is at most 12.5 % off, whatever the range."""


def bucket(nanoseconds: int) -> int:
    """The bucket of a duration: its power of two, and the three bits below the highest."""
    value = nanoseconds | 8  # At least four bits, so that three remain below the highest.
    bits = value.bit_length()
    return bits * 8 + ((value >> (bits - 4)) & 7)


def bucket_end(index: int) -> float:
    """The upper end of a bucket, in nanoseconds."""
    bits, part = divmod(index, 8)
    return float((8 + part + 1) << max(0, bits - 4))


class Meter:
    """The counters of one node. Written by the node's own thread alone, so it needs no lock; read by any."""

    __slots__ = ("buckets", "busy", "dropped", "errors", "given", "last_error", "state", "taken")

    def __init__(self) -> None:
        self.taken = 0
        """Messages that the node dealt with; those it failed on are in `errors`."""
        self.given = 0
        self.dropped = 0
        """Messages that were not given to it, because it rests after errors."""
        self.errors = 0
        self.busy = 0
        """Nanoseconds spent in the node."""
        self.buckets = [0] * BUCKETS
        self.last_error = ""
        self.state = "idle"
        """In words: `opening`, `running`, `resting 4 s: ...`, `ended`; of a camera, see `CameraWatch`."""


def quantiles(buckets: Sequence[int], *shares: float) -> list[float]:
    """For each share (0..1) the duration, in seconds, below which that share of all calls stayed; 0 without calls.

    Asked for each node several times a second, so what walks over the buckets is not written in Python.
    """
    passed = list(accumulate(buckets))
    if not passed[-1]:
        return [0.0] * len(shares)
    return [bucket_end(bisect_left(passed, max(share * passed[-1], 1))) / 1e9 for share in shares]
