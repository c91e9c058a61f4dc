"""Where a camera is, as its setting says it: a URL that never shows its password, a device, a pipeline or a file."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, urlsplit

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

SCHEMES = ("rtsp", "rtsps", "http", "https")


class Address:
    """A camera's address; shown and dumped as JSON without user, password and query."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    @property
    def is_network(self) -> bool:
        """Whether it is the URL of a camera in the network."""
        return "://" in self._text and not self.is_pipeline

    @property
    def device(self) -> str:
        """The device file of a camera at this machine, or the empty string."""
        if self._text.isdecimal():
            return f"/dev/video{self._text}"
        return self._text if self._text.startswith("/dev/") and not self.is_pipeline else ""

    @property
    def is_pipeline(self) -> bool:
        """Whether it is a GStreamer pipeline: elements with exclamation marks between them."""
        return " ! " in self._text

    @property
    def is_live(self) -> bool:
        """Whether it is a camera, and not a file."""
        return self.is_network or self.is_pipeline or bool(self.device)

    def reveal(self, user: str = "", password: str = "") -> str:
        """The address to connect to, with these credentials in place of its own if a user is given."""
        if not user:
            return self._text
        scheme, _, rest = self._text.partition("://")
        host = rest.rpartition("@")[2]
        return f"{scheme}://{quote(user, safe='')}:{quote(password, safe='')}@{host}"

    def __str__(self) -> str:
        if self.is_pipeline:  # Any of its words may be a password.
            return f"the pipeline {self._text.split()[0]} ! ..."
        if not self.is_network:
            return self.device or self._text
        scheme, _, rest = self._text.partition("://")
        # From the last @ on, for a password written without quoting may hold an @ or a slash.
        shown = re.split(r"[?#]", rest.rpartition("@")[2])[0]
        host, slash, path = shown.partition("/")
        # Some recorders want `/user=admin_password=...` in the path.
        return f"{scheme}://{host}{slash}{'...' if '=' in path else path}"

    def __repr__(self) -> str:
        return f"'{self}'"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Address) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # Any: pydantic's
        masked = core_schema.plain_serializer_function_ser_schema(str, when_used="json")
        return core_schema.no_info_plain_validator_function(_address, serialization=masked)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        examples = ["rtsp://10.0.0.5/main", "http://10.0.0.6/video.mjpg", 0, "/dev/video0", "clip.mp4"]
        return {"type": ["string", "integer"], "examples": examples}


def _address(value: object) -> Address:
    """The setting, checked; an error never repeats the value, which may hold a password."""
    if isinstance(value, Address):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return Address(str(value))
    if not isinstance(value, str) or not value.strip():
        raise PydanticCustomError(
            "address", "a camera's URL, the number of a device (0), a pipeline, or a video file is expected"
        )
    text = value.strip()
    if " ! " in text:
        return Address(text)
    scheme, separator, _ = text.partition("://")
    if separator:
        if scheme.lower() not in SCHEMES:
            raise PydanticCustomError("address", f"a URL of a camera begins with one of {', '.join(SCHEMES)}")
        _check_url(text)
    return Address(text)


def _check_url(text: str) -> None:
    try:
        parts = urlsplit(text)
        whole = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        whole = False
    if not whole or "@" in parts.path:
        raise PydanticCustomError(
            "address",
            "the URL has no sound host and port; a password with one of / # ? @ : in it goes into the settings "
            "`user` and `password`, or is written with % codes",
        )
