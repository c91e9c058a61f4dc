"""flowalpr reads licence plates live: a flow engine for cameras, and all that a plugin author needs."""

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
