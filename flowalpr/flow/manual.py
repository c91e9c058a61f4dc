"""What the settings of a node mean, in words: for errors, for `flowalpr nodes show` and for the JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from functools import cache
from pathlib import PurePath
from types import MappingProxyType
from typing import Any, ClassVar

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from flowalpr.docstrings import field_help

JsonSchema = Mapping[str, Any]  # Any: a JSON Schema holds whatever JSON holds.


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a node."""

    name: str
    means: str
    """What it takes, with limits and units: `a number from 0 to 1`."""
    required: bool
    default: str
    """The value if none is given, as it would be written in a flow file; empty if it is required."""
    help: str
    secret: bool
    schema: JsonSchema
    definitions: JsonSchema

    def means_at(self, path: tuple[int | str, ...]) -> str:
        """What a part of the setting takes, for example one item of a list."""
        schema = self.schema
        for part in path:
            schema = schema.get("items" if isinstance(part, int) else "additionalProperties", {})
            if not isinstance(schema, dict):
                return self.means
        return describe(schema, self.definitions) if schema else self.means


@cache
def settings_of(cls: type[BaseModel]) -> Mapping[str, Setting]:
    """The settings of a node class by name, in the order in which its author wrote them."""
    schema = cls.model_json_schema(schema_generator=_Lenient)
    texts = field_help(cls)
    definitions = schema.get("$defs", {})
    settings: dict[str, Setting] = {}
    for name, field in cls.model_fields.items():
        each = dict(schema.get("properties", {}).get(name, {}))
        each.pop("title", None)
        default = "" if field.is_required() else _default(field)
        means = describe(each, definitions)
        secret = "writeOnly" in json.dumps(each)
        settings[name] = Setting(
            name, means, field.is_required(), default, texts.get(name, ""), secret, each, definitions
        )
    return MappingProxyType(settings)


def describe(schema: JsonSchema, definitions: JsonSchema) -> str:
    """What a value of that JSON Schema is, in words."""
    if "$ref" in schema:
        return describe(definitions.get(schema["$ref"].rsplit("/", 1)[-1], {}), {})
    if "x-means" in schema:
        return str(schema["x-means"])
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    choices = [each for each in schema.get("anyOf", schema.get("oneOf", ())) if each.get("type") != "null"]
    if choices:
        return " or ".join(dict.fromkeys(describe(each, definitions) for each in choices))
    return _of_type(schema, definitions)


def written(value: object) -> str:
    """A value as it would be written in a flow file."""
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Enum):
        return written(value.value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{written(key)}: {written(each)}" for key, each in value.items()) + "}"
    if isinstance(value, str):
        return value or '""'
    if isinstance(value, (list, tuple, set, frozenset)):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, float):
        return f"{value:g}"
    return "none" if value is None else json.dumps(value, default=str)


def _default(field: FieldInfo) -> str:
    if field.default_factory_takes_validated_data:
        return "computed from the others"
    return written(field.get_default(call_default_factory=True, validated_data={}))


def _of_type(schema: JsonSchema, definitions: JsonSchema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        words = " or ".join(_of_type({"type": each}, definitions) for each in kind if each != "null")
        return words + _examples(schema)
    if kind in ("integer", "number"):
        return ("a whole number" if kind == "integer" else "a number") + _limits(schema)
    if kind == "boolean":
        return "true or false"
    if kind == "array":
        items = schema.get("items", {})
        return f"a list, each {describe(items, definitions)}" if items else "a list"
    if kind == "object":
        return "names and values" + (f": {', '.join(schema['properties'])}" if "properties" in schema else "")
    if kind == "string":
        if schema.get("format") in ("path", "file-path", "directory-path"):
            return "a path"
        return "text" + _examples(schema)
    return "a value"


def _examples(schema: JsonSchema) -> str:
    examples = ", ".join(map(str, schema.get("examples", ())))
    return f" such as {examples}" if examples else ""


def _limits(schema: JsonSchema) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        return f" from {least:g} to {most:g}"
    parts = (
        ("minimum", "at least"),
        ("exclusiveMinimum", "more than"),
        ("maximum", "at most"),
        ("exclusiveMaximum", "less than"),
    )
    limits = [f"{words} {schema[key]:g}" for key, words in parts if key in schema]
    return f", {' and '.join(limits)}" if limits else ""


def _duration(value: timedelta) -> str:
    """The duration in the largest unit that keeps it whole."""
    seconds = value.total_seconds()
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        if seconds and seconds % length == 0:
            return f"{seconds / length:g} {unit}"
    return f"{seconds:g} s" if seconds >= 1 else f"{seconds * 1000:g} ms"


class _Lenient(GenerateJsonSchema):
    """Leaves open what JSON Schema cannot say, where pydantic would warn or raise."""

    ignored_warning_kinds: ClassVar[set[Any]] = {  # type: ignore[misc]  # Any: pydantic's literal of three kinds
        "skipped-choice",
        "non-serializable-default",
        "skipped-discriminator",
    }

    def handle_invalid_for_json_schema(self, schema: core_schema.CoreSchema, error_info: str) -> JsonSchemaValue:
        return {}
