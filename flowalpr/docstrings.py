"""The strings that authors write under the fields of a class: the help of a node's settings.

They are read from the source when somebody asks for them: pydantic would read them at import, for every node.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import textwrap
from functools import cache

from pydantic import BaseModel


def field_help(cls: type[BaseModel]) -> dict[str, str]:
    """The string under each field of a class and of those it derives from, by the field's name; none without source."""
    found: dict[str, str] = {}
    for each in reversed(cls.__mro__):
        if cls.model_fields.keys() & inspect.get_annotations(each).keys():
            found |= _written_in(each)
    return {name: found[name] for name in cls.model_fields if name in found}


def first_line(cls: type) -> str:
    """The first line of a class's own docstring, or the empty string."""
    return (inspect.cleandoc(cls.__doc__ or "").splitlines() or [""])[0]


@cache
def _written_in(cls: type) -> dict[str, str]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError, SyntaxError):  # Written in C, or its source is not installed.
        return {}
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in itertools.pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }
