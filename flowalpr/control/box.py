"""The machine that a flow runs on: load, memory, disk, temperature, GPU."""

from __future__ import annotations

import importlib
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

import psutil

from flowalpr.telemetry.snapshot import BoxSnapshot

FRESH = 1.0
"""Seconds for which a look counts as the present."""
DISK_EVERY = 60.0
"""Seconds between two notes of how full the disk is."""
DISK_NOTES = 24 * 60
"""Notes that are kept: a day of them."""
LEAST_NOTES = 10
"""Notes from which it is said when the disk will be full."""
DAY = 86400.0


class Box:
    """Looks at the machine, at most once a second; a part that cannot tell is left out, never an error."""

    def __init__(self, folder: Path) -> None:
        """`folder` lies on the disk whose room counts."""
        self._disk = next(each for each in (folder, *folder.parents) if each.exists())
        self._process = psutil.Process()
        self._notes: deque[tuple[float, int]] = deque(maxlen=DISK_NOTES)
        self._gpu = _gpu_teller()
        self._seen: BoxSnapshot | None = None
        self._seen_at = 0.0
        psutil.cpu_percent()  # The first answer of psutil is without meaning.

    def look(self, providers: dict[str, str]) -> BoxSnapshot:
        """The machine now; `providers` says what runs the networks."""
        now = monotonic()
        if self._seen is None or now - self._seen_at >= FRESH:
            self._seen, self._seen_at = self._look(now), now
        return self._seen.model_copy(update={"providers": providers})

    def _look(self, now: float) -> BoxSnapshot:
        memory = psutil.virtual_memory()
        free = psutil.disk_usage(str(self._disk)).free
        return BoxSnapshot(
            cpu_percent=psutil.cpu_percent(),
            memory_percent=memory.percent,
            memory_used=memory.total - memory.available,
            memory_total=memory.total,
            flow_memory=self._process.memory_info().rss,
            disk_free=free,
            disk_days_left=self._days_left(now, free),
            temperature=_temperature(),
            gpu=self._gpu(),
        )

    def _days_left(self, now: float, free: int) -> float | None:
        if not self._notes or now - self._notes[-1][0] >= DISK_EVERY:
            self._notes.append((now, free))
        begun, then = self._notes[0]
        if len(self._notes) < LEAST_NOTES or then <= free:
            return None
        return round(free / ((then - free) / (now - begun)) / DAY, 1)


def _temperature() -> float | None:
    """Degrees Celsius of the hottest sensor."""
    read: Callable[[], dict[str, list[Any]]] | None = getattr(psutil, "sensors_temperatures", None)  # Any: psutil's
    found = [each.current for group in read().values() for each in group if each.current] if read else []
    return max(found) if found else None


def _gpu_teller() -> Callable[[], str]:
    """What tells of the GPU: NVIDIA's library, or that of a Jetson, whichever is installed and finds one."""
    for teller in (_nvidia, _jetson):
        with suppress(Exception):  # Of a library that we neither ship nor need, on a machine without such a GPU.
            return teller()
    return lambda: ""


def _nvidia() -> Callable[[], str]:
    nvml = importlib.import_module("pynvml")
    nvml.nvmlInit()
    device = nvml.nvmlDeviceGetHandleByIndex(0)
    name = nvml.nvmlDeviceGetName(device)

    def tell() -> str:
        load = nvml.nvmlDeviceGetUtilizationRates(device).gpu
        memory = nvml.nvmlDeviceGetMemoryInfo(device)
        warmth = nvml.nvmlDeviceGetTemperature(device, nvml.NVML_TEMPERATURE_GPU)
        decoder, _ = nvml.nvmlDeviceGetDecoderUtilization(device)
        power = nvml.nvmlDeviceGetPowerUsage(device) / 1000
        used = f"{memory.used / 2**30:.1f} of {memory.total / 2**30:.1f} GB"
        return f"{name}: {load} %, decoder {decoder} %, {used}, {warmth} °C, {power:.0f} W"

    tell()
    return tell


def _jetson() -> Callable[[], str]:
    stats = importlib.import_module("jtop").jtop()
    stats.start()

    def tell() -> str:
        told = stats.stats
        return f"Jetson: {told.get('GPU', 0)} %, decoder {told.get('NVDEC', 'OFF')}, {told.get('Temp gpu', '?')} °C"

    tell()
    return tell
