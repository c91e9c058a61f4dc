"""The root shows what plugin authors need, and imports it when they ask."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest

import flowalpr


def imports_for_type_checkers() -> dict[str, str]:
    """The module of each name that a type checker finds in the root."""
    tree = ast.parse(Path(flowalpr.__file__).read_text(encoding="utf-8"))
    block = next(each for each in tree.body if isinstance(each, ast.If))
    return {
        name.name: each.module or "" for each in block.body if isinstance(each, ast.ImportFrom) for name in each.names
    }


def test_type_checkers_and_python_find_the_same_names() -> None:
    told = imports_for_type_checkers()
    assert sorted(told) == sorted(flowalpr.__all__)
    for name, module in told.items():
        assert getattr(flowalpr, name) is getattr(import_module(module), name)
    assert set(flowalpr.__all__) <= set(dir(flowalpr))


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'flowalpr' has no attribute 'Nodes'"):
        _ = flowalpr.Nodes  # type: ignore[attr-defined]  # Which is the point.
