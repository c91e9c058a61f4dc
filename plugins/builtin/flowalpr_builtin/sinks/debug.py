"""Shows in the log what goes through a wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowalpr import Message, Node, masked

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

TELLING = ("raw", "repairs", "file")
"""Fields that hold a plate or, as the names of picture files often do, may hold one."""


class Debug(Node):
    """Write each message to the log, to see what goes through a wire: a tap that can be put on any of them.

    Plates are masked (`AB•••••`) and what could betray them is left out, for logs are kept and copied.
    """

    unmasked: bool = False
    """Whether to log whole plates; do so while you look, not for good."""

    _log: FilteringBoundLogger | None = None

    def open(self) -> None:
        import structlog

        self._log = structlog.get_logger("flowalpr.debug")

    def process(self, message: Message) -> None:
        if self._log is not None:
            record = message.record()
            self._log.info("message", node=self.name, record=record if self.unmasked else _masked(record))


def _masked(record: Any) -> Any:  # Any: the values that JSON has
    """The record without plates, those of records inside it included."""
    if isinstance(record, list):
        return [_masked(each) for each in record]
    if not isinstance(record, dict):
        return record
    shown = {key: _masked(value) for key, value in record.items() if key not in TELLING}
    if isinstance(shown.get("text"), str):
        shown["text"] = masked(shown["text"])
    return shown
