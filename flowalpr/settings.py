"""Types for the settings of nodes, which carry their checks and their units."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

from flowalpr.errors import SetupError

_UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|min|h|d)\s*")


def parse_duration(value: object) -> object:
    """A timedelta from text such as `300 ms`, `2 s`, `5 min`, `1 h`, `30 d`.

    Raises:
        ValueError: if the text has no unit or an unknown one.
    """
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{value!r} is not a duration: write a number and a unit, one of ms, s, min, h, d (2 s)")
    try:
        return timedelta(seconds=float(match[1]) * _UNITS[match[2]])
    except OverflowError:
        raise ValueError(f"{value!r} is longer than a duration can be (about 2.7 million years)") from None


Fraction = Annotated[float, Field(ge=0, le=1)]
"""A number from 0 to 1, both allowed."""

Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^\s*\d+(\.\d+)?\s*(ms|s|min|h|d)\s*$",
            "examples": ["300 ms", "2 s", "5 min"],
            "x-means": "a duration with its unit (ms, s, min, h, d)",
        }
    ),
]
"""A stretch of time, written with its unit: `300 ms`, `2 s`, `5 min`, `1 h`, `30 d`."""


class ModelMark:
    """Marks a setting as the name of a model, for the flow checker to look the model up."""


ModelName = Annotated[str, ModelMark()]
"""The name of a model folder (`plate-reader`), or a path to one; `flowalpr models list` shows what is there."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A reference to a password or key, never the thing itself, so it can be printed.

    `env:NAME` is an environment variable, `file:PATH` a file, `credential:NAME` what systemd gives a service alone.
    """

    reference: str

    def reveal(self) -> str:
        """The secret itself, read now, without a trailing line break.

        Raises:
            SetupError: if the variable is not set, the file cannot be read, or nobody gave the credential.
        """
        kind, _, where = self.reference.partition(":")
        if kind == "env":
            if where not in os.environ:
                raise SetupError(f"the environment variable {where} is not set", f"export {where}=...")
            return os.environ[where]
        try:
            return self._file(kind, where).expanduser().read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise SetupError(f"the secret file {where} cannot be read: {error}") from error

    @staticmethod
    def _file(kind: str, where: str) -> Path:
        if kind == "file":
            return Path(where)
        folder = os.environ.get("CREDENTIALS_DIRECTORY")
        if not folder:
            raise SetupError(
                f"there is no credential {where}: no service manager started this process",
                f"run it as a service (docs/service.md), or export CREDENTIALS_DIRECTORY=FOLDER with {where} in it",
            )
        return Path(folder) / where

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # Any: pydantic's
        return core_schema.no_info_plain_validator_function(_secret)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {
            "type": "string",
            "pattern": "^(env|file|credential):.+",
            "examples": ["env:MQTT_PASSWORD"],
            "writeOnly": True,
            "x-means": "where the secret is found, env:NAME, file:PATH or credential:NAME",
        }


def _secret(value: object) -> Secret:
    if isinstance(value, Secret):
        return value
    if isinstance(value, str) and re.fullmatch(r"(env|file|credential):.+", value):
        return Secret(value)
    # The value is not repeated: it may be the secret itself.
    raise ValueError(
        "a secret is never written here: name an environment variable (env:NAME), a file (file:PATH) or a credential "
        "of systemd (credential:NAME)"
    )
