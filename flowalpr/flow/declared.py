"""What a flow file says of itself for the people whose plates it reads: who, why, and what was accepted knowingly."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flowalpr.errors import Place, Problem, nearest
from flowalpr.flow.values import Mapping, Sequence, Value, plain

Line = Annotated[str, Field(max_length=1000)]


class Privacy(BaseModel):
    """The key `privacy` of a flow file, from which `flowalpr privacy` makes its documents."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    controller: Line = ""
    """Who is responsible: name and address."""
    contact: Line = ""
    """Where people ask for their rights: mail address or telephone."""
    officer: Line = ""
    """How the data protection officer is reached, if there is one."""
    authority: Line = ""
    """To which supervisory authority people may complain."""
    site: Line = ""
    """Where the cameras are, in words for visitors."""
    purposes: tuple[Line, ...] = ()
    """What the reads are for, each in a sentence."""
    basis: Line = ""
    """The legal basis: `legitimate interests, article 6(1)(f) GDPR: ...`."""
    more: Line = ""
    """Where the whole notice can be read: the address of a web page."""
    accept: dict[str, Annotated[str, Field(min_length=10, max_length=1000)]] = {}
    """Nodes by name that let plates get where `flowalpr privacy check` would not have them, each with the reason."""


def declared(value: Value | None, nodes: list[str], problems: list[Problem]) -> Privacy:
    """What is declared; mistakes are added to `problems`."""
    if value is None:
        return Privacy()
    try:
        privacy = Privacy.model_validate(plain(value))
    except ValidationError as error:
        problems += [_problem(value, each["loc"], each["msg"]) for each in error.errors(include_url=False)]
        return Privacy()
    for name in privacy.accept:
        if name not in nodes:
            place = _at(value, ("accept", name))
            problems.append(
                Problem(f"privacy: there is no node '{name}' to accept", fix=nearest(name, nodes), place=place)
            )
    return privacy


def _problem(value: Value, path: tuple[int | str, ...], said: str) -> Problem:
    label = ".".join(map(str, ("privacy", *path)))
    fix = ""
    expected = "one of " + ", ".join(Privacy.model_fields)
    if path[:1] == ("accept",):
        expected = "the name of a node, with the reason why plates may get there, in a sentence"
    elif path:
        fix = nearest(str(path[0]), Privacy.model_fields)
    return Problem(f"{label}: {said}", expected, fix, _at(value, path))


def _at(value: Value, path: tuple[int | str, ...]) -> Place:
    """The place of a part of the value, as far as it is there."""
    for part in path:
        further: Value | None = None
        if isinstance(value, Mapping):
            further = value.get(str(part))
        elif isinstance(value, Sequence) and isinstance(part, int) and part < len(value.items):
            further = value.items[part]
        if further is None:
            break
        value = further
    return value.place
