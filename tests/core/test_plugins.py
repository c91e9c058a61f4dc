"""Plugins are found by their entry points; a broken one costs only its own nodes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from flowalpr.plugins import UnknownNodeError, load_plugins


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put a module with the metadata of an installed plugin on the path, as pip leaves it there."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def put(name: str, source: str) -> None:
        module = f"flowalpr_try_{name}"
        sys.modules.pop(module, None)
        (tmp_path / f"{module}.py").write_text(source)
        info = tmp_path / f"{module}-2.5.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 2.5\n")
        (info / "entry_points.txt").write_text(f"[flowalpr]\n{name} = {module}\n")

    return put


GOOD = """
from flowalpr import Node, PlateRead, hookimpl

class Confident(Node):
    def process(self, read: PlateRead) -> PlateRead | None: ...

class VeryOwn(Node):
    def process(self, read: PlateRead) -> None: ...

@hookimpl
def flowalpr_nodes():
    return [Confident, VeryOwn]
"""


def test_built_ins_are_found_like_any_plugin_and_can_be_blocked():
    assert load_plugins().find("builtin.console").full_name == "builtin.console"
    with pytest.raises(UnknownNodeError, match=r"no node 'builtin\.console'"):
        load_plugins(blocked=["builtin"]).find("builtin.console")


def test_a_short_name_is_enough_while_only_one_plugin_has_it(install):
    install("acme", GOOD)
    catalogue = load_plugins()
    assert catalogue.find("very_own").full_name == "acme.very_own"


def test_two_plugins_with_one_node_name_ask_for_the_full_name(install):
    install("acme", GOOD)
    install("other", GOOD)
    catalogue = load_plugins()
    with pytest.raises(UnknownNodeError, match=r"write its full name: acme.very_own or other.very_own"):
        catalogue.find("very_own")
    assert catalogue.find("other.very_own").plugin == "other"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import nowhere_to_be_found", "nowhere_to_be_found"),
        ("def broken(:", "SyntaxError"),
        ("raise SystemError('boom')", "SystemError: boom"),
        (GOOD.replace("[Confident, VeryOwn]", "['Confident']"), "not a class derived from flowalpr.Node"),
        (GOOD.replace("def flowalpr_nodes", "def flowalpr_nods"), "flowalpr_nods"),
        (GOOD.replace("read: PlateRead) -> None", "read) -> None"), "state the types"),
    ],
)
def test_a_plugin_that_fails_is_named_with_version_and_reason_and_the_others_load(install, source, words):
    install("bad", source)
    install("good", GOOD)
    catalogue = load_plugins()
    (broken,) = catalogue.broken
    assert (broken.plugin, broken.version) == ("bad", "2.5")
    assert words in broken.error
    assert catalogue.find("good.confident")
    with pytest.raises(UnknownNodeError, match=r"plugin 'bad' 2\.5 failed to load"):
        catalogue.find("bad.confident")


def test_a_misspelt_node_is_answered_with_the_nearest_name():
    with pytest.raises(UnknownNodeError, match="did you mean 'console'"):
        load_plugins().find("consol")
