"""systemd itself: units are put into their place, started, looked at and taken away."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from flowalpr.errors import SetupError
from flowalpr.service.unit import STATE, USER, unit_name

WITHIN = 120.0
"""Seconds for a command; to stop a flow takes up to half a minute."""
SHOWN = ("Id", "ActiveState", "SubState", "StatusText", "NRestarts", "MainPID", "ActiveEnterTimestamp", "Result")


@dataclass(frozen=True, slots=True)
class State:
    """How one service is."""

    unit: str
    active: str
    """`active`, `activating`, `failed`, `inactive` ..."""
    sub: str
    """The same in detail: `running`, `auto-restart` ..."""
    result: str
    """How it ended last: `success`, `watchdog`, `exit-code`, `start-limit-hit` ..."""
    restarts: int
    process: int
    since: str
    status: str
    """What the flow says of itself."""

    def record(self) -> dict[str, str | int]:
        """For scripts."""
        return asdict(self)


class Systemd:
    """The manager of the machine, or that of this user."""

    def __init__(self, of_user: bool) -> None:
        self._of_user = of_user
        own = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "systemd" / "user"
        self._folder = own if of_user else Path("/etc/systemd/system")

    def require(self) -> None:
        """Nothing, if it runs and we may change it.

        Raises:
            SetupError: it does not run, or this is not root.
        """
        state = self._call("is-system-running", fails=True) if shutil.which("systemctl") else "offline"
        if state.strip() in ("", "offline", "unknown"):
            whose = "of this user " if self._of_user else ""
            raise SetupError(f"no systemd {whose}runs here", "see the unit with: flowalpr service install FLOW --print")
        if not self._of_user and os.geteuid() != 0:
            raise SetupError("a service of the machine is for root to install", "sudo it, or add --user")

    def install(self, unit: str, text: str, *, start: bool) -> Path:
        """Put a unit in its place, let it start with the machine, and (re)start it; the unit file.

        Raises:
            SetupError: the file cannot be written, or systemd refuses.
        """
        path = self._folder / unit
        part = path.with_name(f".{unit}.part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            part.write_text(text, encoding="utf-8")
            part.chmod(0o644)
            part.replace(path)
        except OSError as error:
            raise SetupError(f"{path} cannot be written: {error.strerror}", f"ls -ld {self._folder}") from error
        self._call("daemon-reload")
        self._call("enable", unit)
        if start:
            self._call("restart", unit)
        return path

    def uninstall(self, flow: str) -> Path:
        """Stop a flow's service and take its unit away; the unit file that was there.

        Raises:
            SetupError: there is none, or systemd refuses.
        """
        path = self.unit_file(flow)
        self._call("disable", "--now", path.name)
        path.unlink()
        self._call("daemon-reload")
        return path

    def unit_file(self, flow: str) -> Path:
        """The unit file of a flow's service.

        Raises:
            SetupError: there is none.
        """
        path = self._folder / unit_name(flow)
        if not path.is_file():
            there = ", ".join(self.flows()) or "none"
            raise SetupError(
                f"there is no {path}", f"installed are: {there}; `flowalpr service install FLOW` installs one"
            )
        return path

    def flows(self) -> list[str]:
        """The installed services, by their flow."""
        found = sorted(self._folder.glob("flowalpr-*.service"))
        return [path.stem.removeprefix("flowalpr-") for path in found]

    def states(self, flows: list[str]) -> Iterator[State]:
        """How these services are."""
        for flow in flows:
            told = self._call("show", unit_name(flow), f"--property={','.join(SHOWN)}")
            held = dict(line.split("=", 1) for line in told.splitlines() if "=" in line)
            yield State(
                unit=held.get("Id", unit_name(flow)),
                active=held.get("ActiveState", ""),
                sub=held.get("SubState", ""),
                result=held.get("Result", ""),
                restarts=int(held.get("NRestarts") or 0),
                process=int(held.get("MainPID") or 0),
                since=held.get("ActiveEnterTimestamp", ""),
                status=held.get("StatusText", ""),
            )

    def _call(self, *words: str, fails: bool = False) -> str:
        command = ["systemctl", *(["--user"] if self._of_user else []), *words]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=WITHIN, check=False)  # noqa: S603  # Our words.
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SetupError(f"{' '.join(command)} does not answer: {error}") from None
        if done.returncode and not fails:
            journal = f"journalctl {'--user ' if self._of_user else ''}-n 30 -u {words[-1]}"
            raise SetupError(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}", journal)
        return done.stdout


def ensure_user() -> bool:
    """Make the system user of services if there is none; whether it was made.

    Raises:
        SetupError: it cannot be made.
    """
    try:
        pwd.getpwnam(USER)
    except KeyError:
        pass
    else:
        return False
    command = ["useradd", "--system", "--user-group", "--home-dir", str(STATE), "--shell", "/usr/sbin/nologin", USER]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=WITHIN, check=False)  # noqa: S603  # Our words.
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SetupError(f"the user {USER} cannot be made: {error}", " ".join(command)) from None
    if done.returncode:
        raise SetupError(f"the user {USER} cannot be made: {done.stderr.strip()}", " ".join(command))
    return True
