"""Ends with 0 if the flow of this container answers at its door, else with 1.

For HEALTHCHECK, so it imports nothing of ours, which would take a second. The door answers as long as the process is
alive; `flowalpr doctor` says how the flow is.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

WITHIN = 15.0
REQUEST = b"GET /health HTTP/1.1\r\nHost: flow\r\nConnection: close\r\n\r\n"


def answers(path: Path) -> bool:
    """Whether a flow answers at that socket."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(WITHIN)
        try:
            line.connect(str(path))
            line.sendall(REQUEST)
            return line.recv(4096).startswith(b"HTTP/1.1 200")
        except OSError:
            return False


if __name__ == "__main__":
    folder = Path(os.environ.get("RUNTIME_DIRECTORY", "/run/flowalpr"))
    sys.exit(0 if any(answers(path) for path in folder.glob("*.sock")) else 1)
