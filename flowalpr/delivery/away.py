"""The one error of those who talk to others: they are away."""

from __future__ import annotations

LONGEST_WISH = 3600.0
"""Seconds that the other side may ask us to wait."""


class AwayError(Exception):
    """The other side cannot be reached or does not take what it gets; the words follow its name in the log."""

    def __init__(self, why: str, after: float = 0.0) -> None:
        """`after`: seconds that the other side asks us to wait."""
        super().__init__(why)
        self.after = min(after, LONGEST_WISH)
