"""The account of services: commands that look at what a service has stored run as its user."""

from __future__ import annotations

import os
import pwd

from flowalpr.errors import SetupError
from flowalpr.service.unit import STATE, USER, slug


def become_service(flow: str) -> None:
    """Give up root for the services' user, in the folder of that flow, with the places that a service has.

    Raises:
        SetupError: this is not root, or there is no such service.
    """
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
    os.environ.update(HOME=str(STATE), STATE_DIRECTORY=str(STATE), RUNTIME_DIRECTORY="/run/flowalpr")
    for name in ("FLOWALPR_STATE", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        os.environ.pop(name, None)
