"""What the code imports is declared where it is needed, and what is declared is imported."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable
from importlib.metadata import packages_distributions, requires
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUNNING = [path for path in (ROOT / "flowalpr").rglob("*.py") if "lab" not in path.relative_to(ROOT).parts]
RUNNING += (ROOT / "plugins").rglob("*.py")
TESTS = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").glob("*.py")]
LAB = list((ROOT / "flowalpr" / "lab").rglob("*.py"))
PART_OF = {
    "cuda": "cuda-bindings",
    "pydantic-core": "pydantic",
    "ruamel-yaml-clib": "ruamel-yaml",
    "starlette": "fastapi",
    "aiohttp": "textual-serve",
}
OF_THE_TESTS = {"rtsp-server", "support"}
OF_THE_SYSTEM = {"gi"}  # Of the RTSP server of tests, which Debian's own Python runs.
USED_BY_OTHERS = {"websockets"}  # uvicorn speaks WebSocket with it.
CARRIES_MODELS = {"rapidocr"}  # Never imported: its wheel holds the models of detect_text and ocr_rapid.


def imported(paths: Iterable[Path]) -> set[str]:
    """The distributions whose modules are imported there, anywhere in a file."""
    names = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {each.name for each in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module)
    top = {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"flowalpr", "flowalpr_builtin"}
    known = packages_distributions()
    found = {_normal(known.get(name, [name])[0]) for name in top}
    return {PART_OF.get(name, name) for name in found}


def declared(*extras: str) -> set[str]:
    """The distributions that the core and those extras ask for."""
    found = set()
    for requirement in requires("flowalpr") or ():
        extra = re.search(r"extra == ['\"](\w+)['\"]", requirement)
        if extra is None or extra[1] in extras:
            found.add(_normal(re.split(r"[^\w.-]", requirement)[0]))
    return found - {"flowalpr"}


def _normal(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_running_flows_imports_what_core_and_runtimes_bring() -> None:
    brought = declared("cpu", "openvino", "tensorrt", "web") - CARRIES_MODELS - USED_BY_OTHERS
    assert imported(RUNNING) == brought


def test_the_lab_imports_what_its_extras_bring() -> None:
    assert imported(LAB) <= declared("cpu", "lab", "train")
    assert declared("lab", "train") - declared() <= imported(LAB)


def test_the_tests_import_what_all_extras_bring() -> None:
    assert imported(TESTS) - OF_THE_TESTS - OF_THE_SYSTEM <= declared("cpu", "lab", "train", "dev")
