"""The values of a flow file, each with the place where it was written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.nodes import ScalarNode

from flowalpr.errors import Place

_TAG = "tag:yaml.org,2002:"
_LEADING_ZERO = re.compile(r"0\d+")
_CONVERTED = {f"{_TAG}{name}" for name in ("null", "bool", "int", "float")}

MAX_VALUES = 50_000
"""Most values of a flow file once its aliases are written out."""

Plain: TypeAlias = Any
"""What YAML holds as Python values: str, int, float, bool, None, and lists and dicts of them."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value: `text` as written, `value` as YAML 1.2 understands it; dates stay text."""

    text: str
    value: str | int | float | bool | None
    place: Place
    quoted: bool = False
    weight: ClassVar[int] = 1


@dataclass(frozen=True)
class Sequence:
    """A list."""

    items: tuple[Value, ...]
    place: Place

    @cached_property
    def weight(self) -> int:
        """Number of values in it, aliases written out; computed without writing them out."""
        return 1 + sum(each.weight for each in self.items)


@dataclass(frozen=True)
class Mapping:
    """Names and values; every name once."""

    entries: tuple[tuple[Scalar, Value], ...]
    place: Place

    @cached_property
    def weight(self) -> int:
        """Number of values in it, aliases written out; computed without writing them out."""
        return 1 + sum(value.weight for _, value in self.entries)

    def get(self, name: str) -> Value | None:
        """The value of that name, if there is one."""
        return next((value for key, value in self.entries if key.text == name), None)

    def key(self, name: str) -> Scalar | None:
        """The name itself, with its place."""
        return next((key for key, _ in self.entries if key.text == name), None)

    def with_entry(self, key: Scalar, value: Value) -> Mapping:
        """The same with one value put in or replaced."""
        if self.get(key.text) is None:
            return Mapping((*self.entries, (key, value)), self.place)
        return Mapping(tuple((k, value if k.text == key.text else v) for k, v in self.entries), self.place)


Value: TypeAlias = "Scalar | Sequence | Mapping"


def followed(value: Value, location: tuple[int | str, ...]) -> tuple[tuple[int | str, ...], Value]:
    """How far a location leads into a value, and what is there; pydantic adds names of types to its locations."""
    path: list[int | str] = []
    for part in location:
        further: Value | None = None
        if isinstance(value, Mapping):
            further = value.get(str(part))
        elif isinstance(value, Sequence) and isinstance(part, int) and part < len(value.items):
            further = value.items[part]
        if further is not None:
            value = further
            path.append(part)
    return tuple(path), value


def resolve(text: str) -> str | int | float | bool | None:
    """What YAML 1.2 makes of unquoted text: a number, true, false, null, or the text itself.

    Digits that begin with 0 stay text: they are a code or a telephone number, and a setting that is a number takes them
    all the same.
    """
    if _LEADING_ZERO.fullmatch(text):
        return text
    tag = str(_yaml.resolver.resolve(ScalarNode, text, (True, False)))
    if tag not in _CONVERTED:
        return text
    convert = getattr(_constructor, f"construct_yaml_{tag.removeprefix(_TAG)}")
    try:
        value: int | float | bool | None = convert(ScalarNode(tag, text))
    except (ValueError, OverflowError):  # A lone "0x", or more digits than Python converts.
        return text
    return value


def plain(value: Value) -> Plain:
    """The value without its places."""
    if isinstance(value, Mapping):
        return {key.text: plain(each) for key, each in value.entries}
    if isinstance(value, Sequence):
        return [plain(each) for each in value.items]
    return value.value


_yaml = YAML(typ="safe", pure=True)
_constructor = SafeConstructor(loader=_yaml)
