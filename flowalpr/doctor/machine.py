"""The machine: memory, load, heat."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import psutil

from flowalpr.findings import Finding

LITTLE_MEMORY = 0.1
"""Share of the memory below which the system begins to throw out what it will need again."""
HOT = 85.0
"""Degrees Celsius; from here to 100 the processors of PCs and Jetsons slow down (their data sheets)."""


def machine() -> Iterator[Finding]:
    """How the machine is at this moment."""
    memory = psutil.virtual_memory()
    words = f"memory: {memory.available / 2**30:.1f} of {memory.total / 2**30:.1f} GB available"
    little = memory.available < LITTLE_MEMORY * memory.total
    yield Finding("warning", words, "see who has it: ps aux --sort=-rss | head") if little else Finding("ok", words)
    cores = os.cpu_count() or 1
    load = os.getloadavg()[1]
    words = f"load: {load:.1f} on {cores} cores"
    busy = load > 2 * cores
    yield Finding("warning", words, "see who takes it: ps aux --sort=-pcpu | head") if busy else Finding("ok", words)
    hottest = _hottest()
    if hottest is not None:
        words = f"heat: {hottest:.0f} °C"
        hot = hottest >= HOT
        yield Finding("warning", f"{words}, so it slows down", "let air to it") if hot else Finding("ok", words)


def _hottest() -> float | None:
    read: Callable[[], dict[str, list[Any]]] | None = getattr(psutil, "sensors_temperatures", None)  # Any: psutil's
    found = [each.current for group in read().values() for each in group if each.current] if read else []
    return max(found) if found else None
