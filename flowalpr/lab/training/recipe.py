"""Recipes: YAML files that say all that decides how a training turns out."""

from __future__ import annotations

import typing
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML

from flowalpr.errors import FlowalprError, FlowError, Problem, nearest
from flowalpr.flow.document import read_document
from flowalpr.flow.manual import settings_of
from flowalpr.flow.report import shown
from flowalpr.flow.values import Mapping, followed, plain
from flowalpr.lab.training.checkpoint import TrainingError
from flowalpr.lab.training.loop import LAST

R = TypeVar("R", bound=BaseModel)
Location = tuple["int | str", ...]

RECIPE = "recipe.yaml"
MAY_CHANGE = ("loop.patience", "loop.threads")
"""Settings that decide when a training ends and how fast it is, not what it learns."""
MAY_BE_MISSING = "fonts"
"""Folders of typefaces that recipes name by default: each machine has some of them."""


class RecipeError(TrainingError):
    """All that is wrong with a recipe, every mistake at once."""

    exit_code = 2

    def __init__(self, *problems: Problem) -> None:
        FlowalprError.__init__(self, "\n\n".join(map(str, problems)))


def read_recipe(path: Path, kind: type[R]) -> R:
    """The recipe in a file.

    Raises:
        RecipeError: the file is missing, no YAML, or wrong; all mistakes at once, each with its line.
    """
    return _read(path, kind)[0]


def recipe_to_train(path: Path, kind: type[R]) -> R:
    """The recipe in a file, all of whose folders and files are there.

    Raises:
        RecipeError: as by `read_recipe`, or a path leads nowhere.
    """
    recipe, document = _read(path, kind)
    problems = []
    for location, file in _paths(recipe, ()):
        found, value = followed(document, location)
        if found == location and location[0] != MAY_BE_MISSING and not file.exists():
            near = nearest(file.name, [each.name for each in file.parent.glob("*")])
            fix = near or f"paths count from the folder in which the command runs: {Path.cwd()}"
            problems.append(Problem(f"there is no {file}", fix=fix, place=value.place))
    if problems:
        raise RecipeError(*problems)
    return recipe


def told_apart(folders: Sequence[Path]) -> dict[str, Path]:
    """Folders by the names that figures are shown under: the last part of their paths, if no other has it."""
    last = Counter(folder.name for folder in folders)
    return {folder.name if last[folder.name] == 1 else str(folder): folder for folder in folders}


def begin(recipe: BaseModel, out: Path) -> None:
    """Write a recipe beside what it is about to make.

    Raises:
        RecipeError: another recipe has begun there; what it made would no longer be what the file says.
    """
    there = out / RECIPE
    if (out / LAST).exists() and there.exists():
        before, now = (_decisive(each) for each in (read_recipe(there, type(recipe)), recipe))
        if changed := [name for name in now if before.get(name) != now[name]]:
            what = f"another recipe has begun in {out}: it differs in {', '.join(changed)}"
            raise RecipeError(Problem(what, fix="give another --out, or delete that folder to start again"))
    write_recipe(recipe, there)


def write_recipe(recipe: BaseModel, path: Path) -> None:
    """Write a recipe with every setting in it, also those left at their defaults."""
    path.parent.mkdir(parents=True, exist_ok=True)
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = None
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # ruamel's stub says None
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(recipe.model_dump(mode="json"), file)


def _decisive(recipe: BaseModel) -> dict[str, object]:
    """The settings that may not change while a training goes on, those of parts as `loop.rate`."""
    settings: dict[str, object] = {}
    for name, value in recipe.model_dump().items():
        parts = value.items() if isinstance(value, dict) else [("", value)]
        settings |= {f"{name}.{part}".rstrip("."): each for part, each in parts}
    return {name: value for name, value in settings.items() if name not in MAY_CHANGE}


def _read(path: Path, kind: type[R]) -> tuple[R, Mapping]:
    if not path.is_file():
        raise RecipeError(Problem(f"there is no recipe {path}", fix="docs/own-country.md has one to start from"))
    try:
        document = read_document(path)
    except FlowError as error:
        raise RecipeError(*(replace(each, expected="") for each in error.problems)) from None  # Else of flow files.
    try:
        return kind.model_validate(plain(document)), document
    except ValidationError as error:
        raise RecipeError(*_problems(error, kind, document)) from None


def _problems(error: ValidationError, kind: type[BaseModel], document: Mapping) -> list[Problem]:
    """Each mistake in the words of whoever wrote the recipe."""
    details = error.errors(include_url=False)
    for each in details:
        if each["loc"] == ("kind",):  # All else then follows from it.
            right = f"flowalpr train {each['input']}"
            place = followed(document, ("kind",))[1].place
            return [Problem(f"the recipe is not that of a {kind.model_fields['kind'].default}", fix=right, place=place)]
    extra = [str(each["loc"][-1]) for each in details if each["type"] == "extra_forbidden"]
    return [
        _problem(each, kind, document)
        for each in details
        if not (each["type"] == "missing" and nearest(str(each["loc"][-1]), extra))  # It is misspelt.
    ]


def _problem(details: ErrorDetails, kind: type[BaseModel], document: Mapping) -> Problem:
    location = details["loc"]
    name, label = str(location[-1]) if location else "", ".".join(map(str, location))
    settings = settings_of(_owner(kind, location))
    if details["type"] == "extra_forbidden":
        _, mapping = followed(document, location[:-1])
        key = mapping.key(name) if isinstance(mapping, Mapping) else None
        place = key.place if key else mapping.place
        return Problem(f"there is no '{label}'", f"one of {', '.join(settings)}", nearest(name, settings), place)
    _, value = followed(document, location)
    setting = next((settings[str(part)] for part in reversed(location) if part in settings), None)
    means = setting.means if setting else ""
    if details["type"] == "missing":
        return Problem(f"'{label}' is missing", means, f"add  {name}: ...", value.place)
    said = details["msg"].removeprefix("Value error, ")
    if not location:
        return Problem(said, place=value.place)
    fix = f'put it in quotes: "{details["input"]}"' if details["type"] == "string_type" else ""
    return Problem(f"{label} = {shown(plain(value))}: {said}", means, fix, value.place)


def _owner(kind: type[BaseModel], location: Location) -> type[BaseModel]:
    """The model that the last name of a location belongs to."""
    for part in location[:-1]:
        if part in kind.model_fields:
            kind = next(_models(kind.model_fields[str(part)].annotation), kind)
    return kind


def _models(annotation: Any) -> Iterator[type[BaseModel]]:  # Any: type hints have no common class
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in typing.get_args(annotation):
        yield from _models(each)


def _paths(value: object, location: Location) -> Iterator[tuple[Location, Path]]:
    """Every path in a recipe with where it stands."""
    if isinstance(value, Path):
        yield location, value
    elif isinstance(value, BaseModel):
        for name, each in value:
            yield from _paths(each, (*location, name))
    elif isinstance(value, tuple):
        for index, each in enumerate(value):
            yield from _paths(each, (*location, index))
