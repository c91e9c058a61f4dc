"""The node `confident`: sure reads go on, the others end here."""

from __future__ import annotations

from flowalpr import Fraction, Node, PlateRead


class Confident(Node):
    """Pass on reads whose confidence is at least `at_least`."""

    at_least: Fraction = 0.8
    """Lowest confidence of a read that is passed on, 0 to 1."""

    def process(self, read: PlateRead) -> PlateRead | None:
        return read if read.confidence >= self.at_least else None
