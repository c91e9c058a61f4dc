"""Where a flow keeps what must outlive it but is nobody's document: dead letters, queues, memories."""

from __future__ import annotations

import os
from pathlib import Path


def state_folder(flow: str) -> Path:
    """The folder of the flow of that name, which may not exist yet."""
    return state_root() / flow


def state_root() -> Path:
    """The folder in which all flows have theirs.

    `$FLOWALPR_STATE` if set, else what systemd gives a service (`$STATE_DIRECTORY`), else the user's state folder.
    """
    named = os.environ.get("FLOWALPR_STATE") or os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    if named:
        return Path(named)
    import platformdirs  # Here, since most commands never ask.

    return platformdirs.user_state_path("flowalpr")
