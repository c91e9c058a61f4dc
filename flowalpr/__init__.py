"""flowalpr reads licence plates live: a flow engine for cameras, and all that a plugin author needs."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

# flowalpr sends nothing anywhere but where a flow says, so neither may what it runs on: onnxruntime (1.32) would report
# each process and an id of the machine to Microsoft, OpenVINO (2026) each import to Google Analytics. The first reads
# this variable when it is loaded; the second has a stub for where the package that reports is missing.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # The language's way to forbid an import.

if TYPE_CHECKING:
    from flowalpr.clock import now
    from flowalpr.errors import SetupError
    from flowalpr.events import Alert, Erasure, Listed, ParkingSession, Signal
    from flowalpr.exposure import Exposure, on_this_machine
    from flowalpr.findings import Finding
    from flowalpr.full import Full
    from flowalpr.hooks import hookimpl
    from flowalpr.masking import masked_record
    from flowalpr.messages import (
        END_OF_TIME,
        Box,
        Detection,
        Detections,
        Fault,
        Frame,
        Message,
        Passage,
        PlateRead,
        Stamp,
        Tick,
        masked,
        stamp_of,
    )
    from flowalpr.node import Node
    from flowalpr.settings import Duration, Fraction, ModelName, Secret
    from flowalpr.subject import Subject

__all__ = [
    "END_OF_TIME",
    "Alert",
    "Box",
    "Detection",
    "Detections",
    "Duration",
    "Erasure",
    "Exposure",
    "Fault",
    "Finding",
    "Fraction",
    "Frame",
    "Full",
    "Listed",
    "Message",
    "ModelName",
    "Node",
    "ParkingSession",
    "Passage",
    "PlateRead",
    "Secret",
    "SetupError",
    "Signal",
    "Stamp",
    "Subject",
    "Tick",
    "hookimpl",
    "masked",
    "masked_record",
    "now",
    "on_this_machine",
    "stamp_of",
]
__version__ = "0.1.0"

# Imported when they are asked for: a command that only looks on needs no node, and pydantic takes 0.15 s to import.
_HOMES = {
    "clock": "now",
    "errors": "SetupError",
    "events": "Alert Erasure Listed ParkingSession Signal",
    "exposure": "Exposure on_this_machine",
    "findings": "Finding",
    "full": "Full",
    "hooks": "hookimpl",
    "masking": "masked_record",
    "messages": "END_OF_TIME Box Detection Detections Fault Frame Message Passage PlateRead Stamp Tick masked stamp_of",
    "node": "Node",
    "settings": "Duration Fraction ModelName Secret",
    "subject": "Subject",
}
"""The module of each name above, once more: a type checker reads the imports, Python these."""

if not TYPE_CHECKING:  # To a type checker any name would be right.

    def __getattr__(name: str) -> object:
        home = next((module for module, names in _HOMES.items() if name in names.split()), None)
        if home is None:
            raise AttributeError(f"module 'flowalpr' has no attribute '{name}'")
        value = globals()[name] = getattr(import_module(f"flowalpr.{home}"), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
