"""The account of services: commands that look at what a service has stored run as its user."""

from __future__ import annotations

import os
import pwd

from flowalpr.errors import SetupError
from flowalpr.service.checks import variables_of
from flowalpr.service.unit import CREDENTIALS, STATE, USER, VARIABLES, slug


def become_service(flow: str) -> None:
    """Give up root for the services' user, in the folder of that flow, with the places that a service has.

    Raises:
        SetupError: this is not root, or there is no such service.
    """
    places = _environment(flow)  # Now, since root alone can read it.
    try:
        user = pwd.getpwnam(USER)
        if os.geteuid() not in (0, user.pw_uid):
            raise SetupError("only root can act as a service", f"sudo flowalpr service exec {flow} ...")
        if os.geteuid() == 0:
            os.initgroups(USER, user.pw_gid)
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
        os.chdir(STATE / slug(flow))
    except KeyError:
        raise SetupError(f"there is no user {USER}", "flowalpr service install FLOW makes it") from None
    except OSError as error:
        raise SetupError(
            f"{STATE / slug(flow)}: {error.strerror}", "flowalpr service status shows the services"
        ) from None
    os.umask(0o077)
    os.environ.update(places, HOME=str(STATE))
    for name in ("FLOWALPR_STATE", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        os.environ.pop(name, None)


def look_as_service(flow: str) -> None:
    """Let root see a flow as its service does, if it has one: the same state, variables and credentials."""
    if os.geteuid() == 0 and (STATE / slug(flow)).is_dir():
        os.environ.update(_environment(flow), CREDENTIALS_DIRECTORY=str(CREDENTIALS))


def _environment(flow: str) -> dict[str, str]:
    variables = variables_of(VARIABLES / f"{slug(flow)}.env") or {}
    return {**variables, "STATE_DIRECTORY": str(STATE), "RUNTIME_DIRECTORY": "/run/flowalpr"}
