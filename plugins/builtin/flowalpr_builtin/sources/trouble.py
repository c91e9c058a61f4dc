"""What keeps a camera from giving pictures, in words that help and hold no password; and whether it is over."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import av

from flowalpr_builtin.sources.live import NoVideoError

CONNECT_SECONDS = 15.0
"""For the connection and again for its first picture, which many cameras send only some seconds later."""
KNOCK_SECONDS = 1.0
PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
"""Where a URL names none; that of RTSP over TLS is IANA's."""
BROKE_OFF = "broke off the stream: is it restarting?"


def explained(error: Exception, coming: bool, stall: float) -> str:
    """What went wrong and what to check, without the words of the error, which may hold the password.

    `coming` says whether pictures came before, `stall` for how many seconds none may be missing.
    """
    if isinstance(error, (av.HTTPUnauthorizedError, av.HTTPForbiddenError)):
        return "refuses the user or the password: check both"
    if isinstance(error, av.HTTPNotFoundError):
        return "knows no such stream: check the path of the URL in the camera's manual"
    if isinstance(error, av.HTTPError):
        return "answers with an error: check scheme, port and path of the URL"
    if isinstance(error, ConnectionRefusedError):
        return "refuses the connection: check the port, and that the camera's RTSP or HTTP service is on"
    if isinstance(error, (av.ExitError, TimeoutError)):
        if coming:
            return f"gave no picture for {stall:g} s: check the camera and the network"
        return f"does not answer within {CONNECT_SECONDS:g} s: check the address, and that the camera is on"
    if isinstance(error, (av.InvalidDataError, NoVideoError)):
        return "sends nothing that can be decoded as video: check the path of the URL and the camera's codec"
    if coming:
        return BROKE_OFF
    return "cannot be reached or sends nothing: check host, port and path of the URL, and that the camera is on"


class Door:
    """Whether a camera that was gone answers again; a knock is one connection, without a password."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._is_rtsp = parts.scheme.lower() == "rtsp"
        self._address = (parts.hostname or "", parts.port or PORTS[parts.scheme.lower()])
        self._was_shut = False

    def opens(self) -> bool:
        """Whether it answers now and did not the last time; one that answered all the time has another trouble."""
        is_open = self._knock()
        opened, self._was_shut = is_open and self._was_shut, not is_open
        return opened

    def shut(self) -> None:
        """Take it as known that it does not answer."""
        self._was_shut = True

    def _knock(self) -> bool:
        try:
            with socket.create_connection(self._address, timeout=KNOCK_SECONDS) as connection:
                if not self._is_rtsp:
                    return True
                # A camera whose program hangs still lets connections in: the kernel does. So it is to say something.
                connection.settimeout(KNOCK_SECONDS)
                connection.sendall(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")
                return connection.recv(16).startswith(b"RTSP/")
        except (OSError, UnicodeError):
            return False
