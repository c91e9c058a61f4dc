"""What an examination finds: a word on something that is well, doubtful or wrong, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: `ok`, `warning` (it works, but not as well or not for long) or `wrong`."""

    level: Level
    what: str
    """In words, without passwords and plates."""
    fix: str = ""
    """What to do, if possible as a command."""
