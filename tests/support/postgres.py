"""A PostgreSQL server of Debian's package, in a folder of the test, on a Unix socket alone."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path

import pytest


class Postgres:
    """Starts at once; skips the test where the server is not installed."""

    def __init__(self, folder: Path) -> None:
        installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if not installed:
            pytest.skip("no PostgreSQL server here: apt-get install postgresql")
        self._bin = installed[-1].parent
        self.folder = folder
        self._as: list[str] = []
        if os.geteuid() == 0:  # The server refuses to run as root.
            if shutil.which("setpriv") is None:
                pytest.skip("PostgreSQL does not run as root, and setpriv is not here")
            user = pwd.getpwnam("nobody")
            os.chown(folder, user.pw_uid, user.pw_gid)
            self._as = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        self._run("initdb", "-D", str(folder / "data"), "-U", "flow", "--auth=trust", "--no-sync", "-E", "UTF8")
        self.url = f"postgresql+psycopg://flow@/postgres?host={folder}"
        self.start()

    def start(self) -> None:
        """Start it, again if need be."""
        folder = self.folder
        options = f"-k {folder} -c listen_addresses='' -c shared_buffers=8MB"
        self._run("pg_ctl", "-D", str(folder / "data"), "-o", options, "-l", str(folder / "log"), "-w", "start")

    def stop(self) -> None:
        """End it as a power cut would."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "-w", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as, str(self._bin / program), *arguments]
        subprocess.run(
            command, cwd=self.folder, timeout=120, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
