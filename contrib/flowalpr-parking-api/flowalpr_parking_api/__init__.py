"""Nodes that speak with a payment provider for car parks: start, price, check and stop parking sessions."""

from __future__ import annotations

from flowalpr import Node, hookimpl
from flowalpr_parking_api.paid import Paid
from flowalpr_parking_api.report import ReportSessions
from flowalpr_parking_api.tariff import Charge, Tariff

__all__ = ["Charge", "Paid", "ReportSessions", "Tariff"]


@hookimpl
def flowalpr_nodes() -> list[type[Node]]:
    """The nodes of this plugin."""
    return [Paid, ReportSessions, Tariff]
