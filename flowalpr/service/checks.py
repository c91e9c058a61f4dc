"""What would keep a service from working, found before it is installed."""

from __future__ import annotations

import os
import pwd
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from flowalpr.errors import FlowalprError, Problem
from flowalpr.service.unit import CREDENTIALS, USER, Service

TEMPORARY = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108  # Named because a service has its own in their place.
LOGIN = re.compile(r"://[^/@\s]+:[^/@\s]+@")


class UnfitError(FlowalprError):
    """All that would keep a service from working."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n\n".join(map(str, problems)))


def problems(service: Service, environ: Mapping[str, str] | None) -> Iterator[Problem]:
    """What is wrong; `environ` is what the service's own file of variables holds, None if it cannot be read here."""
    yield from _settings(service)
    yield from _variables(service, environ)
    yield from _inputs_elsewhere(service)
    if service.of_user:
        return
    for name in service.needs.secrets_of("credential"):
        if _is_known_missing(CREDENTIALS / name):
            what = f"the credential {name} is not in {CREDENTIALS}"
            command = f"sudo install -D -m 600 FILE {CREDENTIALS / name}   (FILE holds the secret; delete it then)"
            yield Problem(what, fix=command)
    for path in dict.fromkeys((*service.reads, *service.folders)):
        if any(path.is_relative_to(each) for each in TEMPORARY):
            yield Problem(f"{path} will not be there: a service has a /tmp of its own", fix="choose another folder")
    yield from _unreadable(service)
    for folder in service.folders:
        if not may_use(folder, write=True):
            command = f"sudo install -d -o {USER} -g {USER} -m 700 {folder}"
            yield Problem(f"the user {USER} of the service cannot write into {folder}", fix=command)


def variables_of(path: Path) -> dict[str, str] | None:
    """The variables in a file as systemd reads it; none if there is no such file, None if it cannot be read here.

    Raises:
        UnfitError: it is no text.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except PermissionError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise UnfitError([Problem(f"{path} cannot be read: {error}", fix="write NAME=value, one a line")]) from None
    pairs = (line.strip().partition("=") for line in lines if line.strip() and line.strip()[0] not in "#;")
    return {name.strip(): _unquoted(value.strip()) for name, equals, value in pairs if equals}


def may_use(path: Path, *, write: bool = False) -> bool:
    """Whether the service's user may read a file, or write into a folder, as far as owner and mode tell."""
    wanted = 0o3 if write else (0o5 if path.is_dir() else 0o4)
    ways = [(each, 0o1) for each in path.resolve().parents]
    return all(_allows(each, bits) for each, bits in (*ways, (path, wanted)))


def _allows(path: Path, bits: int) -> bool:
    try:
        found = path.stat()
    except OSError:
        return False
    mode = stat.S_IMODE(found.st_mode)
    with suppress(KeyError):
        user = pwd.getpwnam(USER)
        if found.st_uid == user.pw_uid:
            return mode >> 6 & bits == bits
        if found.st_gid == user.pw_gid:
            return mode >> 3 & bits == bits
    return mode & bits == bits


def _settings(service: Service) -> Iterator[Problem]:
    if any(LOGIN.search(word) for word in service.command):
        what = "a password in --set would be seen by everybody, in the unit and in the list of processes"
        fix = f"write ${{NAME}} into the flow and NAME=... into {service.variables}"
        yield Problem(what, fix=fix)


def _variables(service: Service, environ: Mapping[str, str] | None) -> Iterator[Problem]:
    for name in service.needs.secrets_of("env"):
        if environ is not None and name not in environ:
            what = f"the flow takes a secret from {name}, which {service.variables} does not set"
            command = f"sudo install -D -m 600 /dev/null {service.variables}, then put {name}=... into it"
            yield Problem(what, fix=command.removeprefix("sudo ") if service.of_user else command)


def _inputs_elsewhere(service: Service) -> Iterator[Problem]:
    """Relative paths lead elsewhere in a service, which matters where a file is read."""
    for each in service.needs.paths:
        if not each.path.is_absolute() and not each.written and each.path.exists():
            what = f"{each.setting}: {each.path} would be looked for in {service.folder}"
            yield Problem(what, fix=f"write ${{FLOW_DIR}}/{each.path}, or {each.path.absolute()}")


def _unreadable(service: Service) -> Iterator[Problem]:
    closed = [path for path in dict.fromkeys(service.reads) if path.is_absolute() and not may_use(path)]
    program = Path(service.command[0])
    if program in closed:
        what = f"the user {USER} of the service cannot run {program}"
        fix = "install flowalpr where everybody may read it: see docs/service.md (/opt/flowalpr)"
        yield Problem(what, fix=fix)
    for path in closed:
        if path != program:
            what = f"the user {USER} of the service cannot read {path}"
            yield Problem(what, fix=f"sudo install -D -m 644 {path} /etc/flowalpr/{path.name}, and name it there")


def _is_known_missing(path: Path) -> bool:
    return os.access(path.parent, os.X_OK) and not path.exists()


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value
