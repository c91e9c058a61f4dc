"""The settings of a node for people to look at: everything that may be a secret is masked."""

from __future__ import annotations

import re
from collections.abc import Mapping

from flowalpr.control.heard import Record
from flowalpr.flow.manual import settings_of, written
from flowalpr.node import Node
from flowalpr.settings import Secret

HIDDEN = "•••"
_NAMES = re.compile(r"pass|secret|token|api_?key|authorization|cookie|credential", re.IGNORECASE)
_USER_IN_URL = re.compile(r"(?<=://)[^/\s]*@")
_QUERY_IN_URL = re.compile(r"(\w+://[^\s?#]*)[?#]\S*")


def settings(node: Node) -> list[Record]:
    """Name, value as a flow file has it, default, and help of each setting, in the author's order."""
    return [
        {"name": name, "value": shown(name, getattr(node, name)), "default": each.default, "help": each.help}
        for name, each in settings_of(type(node)).items()
    ]


def shown(name: str, value: object) -> str:
    """A setting's value in words.

    A `Secret` is the name of a place and no secret. What else is named like one is hidden, and so are users,
    passwords and queries in URLs, for which authors of nodes need not have thought of a type.
    """
    if isinstance(value, Secret):
        return value.reference
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {shown(str(key), each)}" for key, each in value.items()) + "}"
    if _NAMES.search(name) and value not in (None, "", (), []):
        return HIDDEN
    text = written(value).removeprefix('"').removesuffix('"') if "://" in str(value) else written(value)
    return _QUERY_IN_URL.sub(r"\1", _USER_IN_URL.sub(f"{HIDDEN}@", text))
