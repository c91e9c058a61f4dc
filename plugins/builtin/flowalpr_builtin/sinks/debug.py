"""Shows in the log what goes through a wire."""

from __future__ import annotations

import logging

from flowalpr import Exposure, Message, Node, masked_record

log = logging.getLogger("flowalpr.debug")


class Debug(Node):
    """Write each message to the log, to see what goes through a wire: a tap that can be put on any of them.

    Plates are masked (`AB•••••`) and what could betray them is left out, for logs are kept and copied.
    """

    unmasked: bool = False
    """Whether to log whole plates; do so while you look, not for good."""

    def exposes(self) -> tuple[Exposure, ...]:
        if not self.unmasked:
            return ()
        return (Exposure("kept", "the log", "logs are kept and copied", "leave `unmasked` out", "unmasked"),)

    def process(self, message: Message) -> None:
        record = message.record()
        log.info("message", extra={"node": self.name, "record": record if self.unmasked else masked_record(record)})
