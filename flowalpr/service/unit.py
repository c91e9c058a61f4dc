"""The text of a unit: a flow as a service that is watched and restarted."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from flowalpr.service.confinement import confined
from flowalpr.service.needs import Needs

USER = "flowalpr"
"""The system user of all services. Not DynamicUser: see DECISIONS.md."""
STATE = Path("/var/lib/flowalpr")
CREDENTIALS = Path("/etc/credstore")
"""Where systemd itself looks for credentials."""
VARIABLES = Path("/etc/flowalpr")


@dataclass(frozen=True, kw_only=True)
class Service:
    """A flow that is to be a service."""

    flow: str
    """Its name."""
    command: tuple[str, ...]
    """What runs it: the program and its arguments."""
    needs: Needs = field(default_factory=Needs)
    of_user: bool = False
    """Whether it belongs to the user who installs it, not to the machine."""
    writes: tuple[Path, ...] = ()
    """Folders that it may write beside those that its settings name."""

    @property
    def unit(self) -> str:
        """The name of its unit."""
        return unit_name(self.flow)

    @property
    def folder(self) -> Path:
        """The folder in which it runs, to which relative paths in its settings lead."""
        from flowalpr.state import state_root

        return (state_root() if self.of_user else STATE) / slug(self.flow)

    @property
    def variables(self) -> Path:
        """The file from which its environment variables come."""
        own = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "flowalpr"
        return (own if self.of_user else VARIABLES) / f"{slug(self.flow)}.env"

    @property
    def reads(self) -> tuple[Path, ...]:
        """All that it must be able to read."""
        return (Path(self.command[0]), *self.needs.read)

    @property
    def folders(self) -> tuple[Path, ...]:
        """Folders that it writes outside of its own."""
        named = (each.path.parent if each.path.suffix else each.path for each in self.needs.paths if each.written)
        return tuple(dict.fromkeys(path for path in (*named, *self.writes) if path.is_absolute()))

    def text(self) -> str:
        """The unit file."""
        sections = {
            "Unit": _about(self),
            "Service": [*_running(self), *confined(self.needs, self.reads, of_user=self.of_user)],
            "Install": [f"WantedBy={'default' if self.of_user else 'multi-user'}.target"],
        }
        head = "# Written by `flowalpr service install`; change it with `systemctl edit`, or install it anew.\n\n"
        return head + "\n".join(f"[{name}]\n" + "".join(f"{each}\n" for each in sections[name]) for name in sections)


def slug(flow: str) -> str:
    """A flow's name without what means something to systemd or in a path."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", flow).strip("-") or "flow"


def unit_name(flow: str) -> str:
    """The name of a flow's unit."""
    return f"flowalpr-{slug(flow)}.service"


def quoted(word: str) -> str:
    """A word of a command line or a path, as systemd reads it back."""
    word = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{word}"' if re.search(r"[\s'\";#]", word) or not word else word


def _about(service: Service) -> Iterator[str]:
    yield f"Description=flowalpr, the flow {service.flow.replace('%', '%%')}"
    if not service.of_user:
        yield "Wants=network-online.target"
        yield "After=network-online.target time-sync.target"
    yield "# After a hundred failures within an hour somebody must look: flowalpr service status, flowalpr doctor"
    yield "StartLimitIntervalSec=1h"
    yield "StartLimitBurst=100"


def _running(service: Service) -> Iterator[str]:
    yield "ExecStart=" + " ".join(map(quoted, service.command))
    yield f"EnvironmentFile=-{service.variables}"
    yield "# Ready once every node is open; a flow that hangs in a node for a minute is ended and started anew."
    yield "Type=notify"
    yield "WatchdogSec=60s"
    yield "TimeoutStartSec=10min"
    yield "TimeoutStopSec=30s"
    yield f"Restart={'always' if service.needs.is_live else 'on-failure'}"
    yield "RestartSec=5s"
    yield "# 2: the flow file is wrong, which no second try mends."
    yield "RestartPreventExitStatus=2"
    yield "MemoryMax=80%"
    yield "TasksMax=1024"
    yield "LimitNOFILE=65536"
    yield "UMask=0077"
    yield ""
    yield f"WorkingDirectory={quoted(str(service.folder))}"
    if not service.of_user:
        yield from _placed(service)


def _placed(service: Service) -> Iterator[str]:
    """Whose it is, and where its files are."""
    yield f"User={USER}"
    yield f"Group={USER}"
    yield f"StateDirectory={STATE.name} {STATE.name}/{slug(service.flow)}"
    yield "StateDirectoryMode=0700"
    yield "# Where `flowalpr monitor` finds it. Kept, for the sockets of other flows are in it too."
    yield "RuntimeDirectory=flowalpr"
    yield "RuntimeDirectoryMode=0700"
    yield "RuntimeDirectoryPreserve=yes"
    for name in service.needs.secrets_of("credential"):
        yield f"LoadCredential={name}:{CREDENTIALS / name}"
    for folder in service.folders:
        yield f"ReadWritePaths={quoted(f'-{folder}')}"
