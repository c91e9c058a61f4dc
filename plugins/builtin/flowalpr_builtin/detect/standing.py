"""Whether a plate moves."""

from __future__ import annotations

from flowalpr import Box

STILL = 0.15
"""A plate whose middle moved less than this many of its heights, and whose height changed by less, stands: a detector
errs by a tenth."""


def stands(before: Box, now: Box) -> bool:
    """Whether a plate is still where it was, and as large."""
    aside = abs(now.left + now.right - before.left - before.right) / 2
    up = abs(now.top + now.bottom - before.top - before.bottom) / 2
    return max(aside, up, abs(now.height - before.height)) < STILL * before.height
