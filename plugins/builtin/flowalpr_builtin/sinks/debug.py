"""Shows in the log what goes through a wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowalpr import Exposure, Message, Node, masked_record

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger


class Debug(Node):
    """Write each message to the log, to see what goes through a wire: a tap that can be put on any of them.

    Plates are masked (`AB•••••`) and what could betray them is left out, for logs are kept and copied.
    """

    unmasked: bool = False
    """Whether to log whole plates; do so while you look, not for good."""

    _log: FilteringBoundLogger | None = None

    def exposes(self) -> tuple[Exposure, ...]:
        if not self.unmasked:
            return ()
        return (Exposure("kept", "the log", "logs are kept and copied", "leave `unmasked` out", "unmasked"),)

    def open(self) -> None:
        import structlog

        self._log = structlog.get_logger("flowalpr.debug")

    def process(self, message: Message) -> None:
        if self._log is not None:
            record = message.record()
            self._log.info("message", node=self.name, record=record if self.unmasked else masked_record(record))
