"""The JSON Schema of a flow file with all installed nodes, by which editors complete and check it."""

from __future__ import annotations

from typing import Any

from flowalpr.docstrings import first_line
from flowalpr.flow.declared import Privacy
from flowalpr.flow.manual import settings_of
from flowalpr.flow.spec import FLOW_KEYS, NAME, NODE_KEYS
from flowalpr.flow.values import resolve
from flowalpr.plugins import Catalogue, Offer

JsonSchema = dict[str, Any]  # Any: a JSON Schema holds whatever JSON holds.

DIALECT = "https://json-schema.org/draft/2020-12/schema"
REFERENCE: JsonSchema = {"type": "string", "pattern": r"\$\{"}
"""`${NAME}` may stand for a value of any type."""


def flow_schema(catalogue: Catalogue) -> JsonSchema:
    """The JSON Schema (draft 2020-12) of flow files that use these nodes."""
    names = _names(catalogue)
    name: JsonSchema = {"type": "string", "pattern": f"^{NAME.pattern}$"}
    return {
        "$schema": DIALECT,
        "title": "A flow of flowalpr",
        "type": "object",
        "required": ["nodes"],
        "additionalProperties": False,
        "properties": {
            "flow": name | {"description": FLOW_KEYS["flow"]},
            "parameters": {
                "type": ["object", "null"],
                "propertyNames": {"pattern": r"^\w+$"},
                "description": FLOW_KEYS["parameters"],
            },
            "nodes": {
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"pattern": f"^{NAME.pattern}$", "not": {"const": "input"}},
                "additionalProperties": {"$ref": "#/$defs/node"},
                "description": FLOW_KEYS["nodes"],
            },
            "privacy": _privacy() | {"description": FLOW_KEYS["privacy"]},
            "output": name | {"description": FLOW_KEYS["output"]},
        },
        "$defs": {
            "node": _node(names),
            **{offer.full_name: _settings(offer) for offer in catalogue},
        },
    }


def _privacy() -> JsonSchema:
    """The key `privacy`."""
    helps = settings_of(Privacy)
    properties = {name: {**setting.schema, "description": setting.help} for name, setting in helps.items()}
    return {"type": ["object", "null"], "additionalProperties": False, "properties": properties}


def _names(catalogue: Catalogue) -> dict[str, Offer]:
    """The nodes by every name that a flow file may call them."""
    short = [offer.name for offer in catalogue]
    names = {offer.name: offer for offer in catalogue if short.count(offer.name) == 1}
    return names | {offer.full_name: offer for offer in catalogue}


def _node(names: dict[str, Offer]) -> JsonSchema:
    uses = [{"const": name, "description": first_line(offer.node)} for name, offer in names.items()]
    subflow = {"type": "string", "pattern": r"\.ya?ml$", "description": "A flow file, relative to this one."}
    text = {"type": "string", "minLength": 1}
    by_offer: dict[str, list[str]] = {}
    for name, offer in names.items():
        by_offer.setdefault(offer.full_name, []).append(name)
    return {
        "type": "object",
        "required": ["uses"],
        "additionalProperties": False,
        "properties": {
            "uses": {"anyOf": [*uses, subflow, REFERENCE], "description": NODE_KEYS["uses"]},
            "from": {
                "anyOf": [text, {"type": "array", "items": text, "uniqueItems": True}],
                "description": NODE_KEYS["from"],
            },
            "with": {"type": ["object", "null"], "description": NODE_KEYS["with"]},
            "on_error": {"anyOf": [{"enum": ["skip", "stop"]}, text], "description": NODE_KEYS["on_error"]},
        },
        "allOf": [
            {"if": {"required": ["uses"], "properties": {"uses": {"enum": called}}}, "then": _rules(names[called[0]])}
            for called in by_offer.values()
        ],
    }


def _rules(offer: Offer) -> JsonSchema:
    """What holds for a node of that kind: its settings, and that a source takes nothing in."""
    rules: JsonSchema = {"properties": {"with": {"$ref": f"#/$defs/{offer.full_name}"}}}
    if not offer.node.ports().takes:
        rules["properties"]["from"] = {"not": {}, "description": "A source takes nothing in."}
    if any(field.is_required() for field in offer.node.model_fields.values()):
        rules["required"] = ["with"]
    return rules


def _settings(offer: Offer) -> JsonSchema:
    """The settings of a node; each may also be a reference."""
    settings = settings_of(offer.node)
    required = [name for name, setting in settings.items() if setting.required]
    properties = {}
    for name, setting in settings.items():
        schema: JsonSchema = {"anyOf": [_moved(setting.schema, offer.full_name), REFERENCE]}
        schema["description"] = "\n\n".join(part for part in (setting.help, f"Takes {setting.means}.") if part)
        if not setting.required and not setting.default.startswith("["):
            schema["default"] = resolve(setting.default)
        properties[name] = schema
    return {
        "type": "object" if required else ["object", "null"],
        "description": (offer.node.__doc__ or "").strip(),
        "properties": properties,
        "required": required,
        "additionalProperties": False,
        "$defs": next((_moved(each.definitions, offer.full_name) for each in settings.values()), {}),
    }


def _moved(schema: Any, name: str) -> Any:  # Any: a JSON Schema holds whatever JSON holds.
    """A part of a node's schema with its references leading to where the node stands in the whole, without defaults."""
    if isinstance(schema, list):
        return [_moved(each, name) for each in schema]
    if not isinstance(schema, dict):
        return schema
    moved = {key: _moved(each, name) for key, each in schema.items() if key != "default"}
    if "$ref" in moved:
        moved["$ref"] = moved["$ref"].replace("#/$defs/", f"#/$defs/{name}/$defs/")
    return moved
