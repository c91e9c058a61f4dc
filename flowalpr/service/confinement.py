"""What a service may not do: everything that a flow has no need of.

Judged by `systemd-analyze security`. Left out with reason: `MemoryDenyWriteExecute` (OpenVINO, TensorRT and CUDA
compile at run time), `ProcSubset=pid` (load and memory are read from /proc), `PrivateUsers` (not every kernel of a
Jetson has user namespaces), `PrivateNetwork` and `IPAddressDeny` (cameras and brokers may be anywhere).
"""

from __future__ import annotations

import grp
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from flowalpr.service.needs import Needs

EVERYWHERE = """
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
"""
OF_THE_MACHINE = """
SystemCallFilter=~@privileged
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RestrictNamespaces=yes
RemoveIPC=yes
"""
"""Needs privileges of the manager, so a user's own manager cannot give it everywhere."""
HOMES = (Path("/home"), Path("/root"), Path("/run/user"))
CLASSES = {"video": "char-video4linux", "v4l": "char-video4linux", "ttyUSB": "char-ttyUSB", "ttyACM": "char-ttyACM"}
"""Device files by the beginning of their name, so that a device that is plugged in later may be used too."""


def confined(needs: Needs, reads: Iterable[Path], *, of_user: bool) -> Iterator[str]:
    """The lines of a unit that shut a flow in; `reads` are the files that it must see."""
    yield ""
    yield from EVERYWHERE.split("\n")[1:-1]
    if of_user:
        return
    yield from OF_THE_MACHINE.split("\n")[1:-1]
    yield f"ProtectHome={'read-only' if any(map(in_home, reads)) else 'yes'}"
    yield from _devices(needs)


def _devices(needs: Needs) -> Iterator[str]:
    groups = [_group_of(each) for each in needs.devices]
    if needs.accelerator:
        yield "# A GPU has device files by the dozen."
        groups += ["video", "render"]
    elif needs.devices:
        yield "DevicePolicy=closed"
        for each in needs.devices:
            yield f"DeviceAllow={_class_of(each)} rw"
    else:
        yield "PrivateDevices=yes"
    there = [name for name in dict.fromkeys(groups) if name == "video" or _is_group(name)]
    if there:
        yield f"SupplementaryGroups={' '.join(there)}"


def _class_of(device: str) -> str:
    parts = Path(device).parts
    return next((held for begin, held in CLASSES.items() if len(parts) > 2 and parts[2].startswith(begin)), device)


def _group_of(device: str) -> str:
    with suppress(OSError, KeyError):
        return grp.getgrgid(Path(device).stat().st_gid).gr_name
    return "dialout" if "tty" in device else "video"


def _is_group(name: str) -> bool:
    with suppress(KeyError):
        return bool(grp.getgrnam(name))
    return False


def in_home(path: Path) -> bool:
    """Whether it lies where people have their files, which services do not see."""
    return any(path.is_relative_to(home) for home in HOMES)
