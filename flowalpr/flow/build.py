"""Builds one node from its settings, and says in words what is wrong with them."""

from __future__ import annotations

import typing
from collections.abc import Callable
from collections.abc import Mapping as Names
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from flowalpr.errors import FlowalprError, Place, Problem, SetupError, nearest
from flowalpr.flow.manual import Setting, settings_of, written
from flowalpr.flow.report import shown
from flowalpr.flow.spec import NodeSpec
from flowalpr.flow.values import Mapping, Scalar, Value, followed, plain, resolve
from flowalpr.node import Node, node_name
from flowalpr.plugins import Offer
from flowalpr.settings import ModelMark, Secret

Settings = Names[str, Setting]
FindModel = Callable[[str], object]
"""Looks a model up by name or path; raises SetupError if it is missing or damaged."""

_VERDICTS = {
    "greater_than_equal": "is less than {ge}",
    "greater_than": "is not more than {gt}",
    "less_than_equal": "is more than {le}",
    "less_than": "is not less than {lt}",
    "literal_error": "is not one of these",
    "enum": "is not one of these",
    "too_short": "is too short",
    "too_long": "is too long",
    "string_too_short": "is too short",
    "string_too_long": "is too long",
    "finite_number": "is not a finite number",
}


def build(spec: NodeSpec, offer: Offer, name: str, find_model: FindModel, problems: list[Problem]) -> Node | None:
    """The node with its settings, or None if they are wrong; mistakes are added to `problems`."""
    explained = _Explanation(spec, offer.node, f"node '{name}' ({offer.name})")
    try:
        node = offer.node.model_validate(plain(spec.settings))
    except ValidationError as error:
        problems += explained.problems(error)
        return None
    except Exception as error:  # A stranger's own check may raise anything; the rest of the flow is still checked.
        what = f"{explained.subject}: its own check failed: {type(error).__name__}: {error}"
        problems.append(Problem(what, fix=f"report it to the author of plugin '{offer.plugin}'", place=spec.uses.place))
        return None
    wrong = [problem for field in offer.node.model_fields for problem in explained.models(node, field, find_model)]
    problems += wrong
    return None if wrong else node


def secret_places(spec: NodeSpec, cls: type[Node]) -> list[Place]:
    """Where values of secret settings were written, wrongly or not: error messages never show them."""
    fields = {name for name, field in cls.model_fields.items() if _mentions(field.annotation, Secret)}
    return [
        value.place
        for key, value in spec.settings.entries
        if (key.text in fields or (key.text not in cls.model_fields and nearest(key.text, fields)))
        and isinstance(value, Scalar)
        and not value.text.startswith(("env:", "file:", "credential:", "${"))
        and value.text
    ]


class _Explanation:
    """Puts what pydantic found into the words of the person who wrote the flow."""

    def __init__(self, spec: NodeSpec, cls: type[Node], subject: str) -> None:
        self.subject = subject
        self._spec, self._cls = spec, cls

    def problems(self, error: ValidationError) -> list[Problem]:
        """One problem for each value that is wrong."""
        settings = settings_of(self._cls)
        by_value: dict[tuple[int | str, ...], list[ErrorDetails]] = {}
        for details in error.errors(include_url=False):
            path, _ = self._found(details["loc"])
            if details["type"] in ("missing", "extra_forbidden"):
                path = details["loc"]
            by_value.setdefault(path, []).append(details)
        extra = [str(path[-1]) for path, found in by_value.items() if found[0]["type"] == "extra_forbidden"]
        return [
            self._problem(path, found, settings)
            for path, found in by_value.items()
            if not (found[0]["type"] == "missing" and nearest(str(found[0]["loc"][-1]), extra))  # It is misspelt.
        ]

    def models(self, node: Node, field: str, find_model: FindModel) -> list[Problem]:
        """What is wrong with the model that a setting names, if it names one."""
        info, value = self._cls.model_fields[field], getattr(node, field)
        if value is None or not any(_mentions(each, ModelMark) for each in (info.annotation, *info.metadata)):
            return []
        try:
            find_model(value)
        except SetupError as error:
            given = self._spec.settings.get(field)
            place = given.place if given else self._spec.uses.place
            return [Problem(f"{self.subject}: {error.problem.what}", fix=error.problem.fix, place=place)]
        except FlowalprError as error:
            return [Problem(f"{self.subject}: {error}", place=self._spec.uses.place)]
        return []

    def _problem(self, path: tuple[int | str, ...], found: list[ErrorDetails], settings: Settings) -> Problem:
        details = found[0]
        name = str(details["loc"][0]) if details["loc"] else ""
        setting = settings.get(name)
        if details["type"] == "missing":
            return self._missing(details, setting)
        if details["type"] == "extra_forbidden":
            return self._extra(path, settings)
        if not path or setting is None:
            return Problem(f"{self.subject}: {_said(details)}", place=self._spec.settings.place)
        _, value = self._found(path)
        place = value.place if value else self._spec.uses.place
        label = ".".join(map(str, path))
        if setting.secret:
            variable = f"{node_name(self._cls)}_{name}".upper()
            fix = f"write env:{variable}, and export {variable}=... before the start"
            return Problem(f"{self.subject}: '{label}' is written out", setting.means, fix, place)
        received = shown(plain(value)) if value else "its default"
        what = f"{self.subject}: {label} = {received} {_verdict(found)}"
        hidden = self._cls.model_config.get("hide_input_in_errors")
        if hidden or (details["type"] == "value_error" and received in details["msg"]):
            what = f"{self.subject}: {label}: {_said(details)}"
        means = setting.means_at(path[1:])
        return Problem(what, means, _fix(details, value, means), place)

    def _missing(self, details: ErrorDetails, setting: Setting | None) -> Problem:
        label = ".".join(map(str, details["loc"]))
        what = f"{self.subject} needs the setting '{label}'"
        place = self._spec.settings.place if self._spec.settings.entries else self._spec.uses.place
        fix = f"add  with: {{{label}: ...}}" if not self._spec.settings.entries else f"add  {label}: ..."
        return Problem(what, setting.means if setting else "", fix, place)

    def _extra(self, path: tuple[int | str, ...], settings: Settings) -> Problem:
        _, mapping = followed(self._spec.settings, path[:-1])
        key = mapping.key(str(path[-1])) if isinstance(mapping, Mapping) else None
        what = f"{self.subject} has no setting '{'.'.join(map(str, path))}'"
        known = f"one of {', '.join(settings)}" if settings else "no settings"
        offer = nearest(str(path[-1]), settings) if len(path) == 1 else ""
        return Problem(what, known if len(path) == 1 else "", offer, key.place if key else self._spec.settings.place)

    def _found(self, location: tuple[int | str, ...]) -> tuple[tuple[int | str, ...], Value | None]:
        """How far a location leads into the settings, and what is there, if it leads anywhere."""
        path, value = followed(self._spec.settings, location)
        return path, value if path else None


def _verdict(found: list[ErrorDetails]) -> str:
    """What is wrong with a value; several findings are those of the several forms that it may have."""
    kinds = {details["type"] for details in found}
    details = found[0]
    if len(found) > 1 and kinds != {"value_error"}:
        return "does not fit"
    if details["type"] in _VERDICTS:
        return _VERDICTS[details["type"]].format(**{k: written(v) for k, v in details.get("ctx", {}).items()})
    if details["type"].endswith(("_type", "_parsing", "_from_float", "_size")):
        return "does not fit"
    return f"does not fit: {_said(details)}"


def _said(details: ErrorDetails) -> str:
    return details["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")


def _fix(details: ErrorDetails, value: Value | None, means: str) -> str:
    if not isinstance(value, Scalar):
        return ""
    if "duration" in means and isinstance(resolve(value.text), (int, float)):
        return f"write the unit, for example {value.text} s"
    if details["type"] == "string_type":
        return f'put it in quotes: "{value.text}"'
    if details["type"] in ("literal_error", "enum"):
        words = str(details.get("ctx", {}).get("expected", "")).replace(" or ", ", ").split(", ")
        return nearest(value.text, [word.strip("'") for word in words])
    return ""


def _mentions(annotation: Any, wanted: type) -> bool:  # Any: type hints have no common class
    """Whether a class, or a mark of that class, is anywhere in a type hint."""
    if annotation is wanted or isinstance(annotation, wanted):
        return True
    parts = (*typing.get_args(annotation), *getattr(annotation, "__metadata__", ()))
    return any(_mentions(part, wanted) for part in parts)
