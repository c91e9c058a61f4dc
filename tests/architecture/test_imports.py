"""What may import what, and what a command costs before it does anything."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {
    "av",
    "cryptography",
    "cv2",
    "fastapi",
    "httpx2",
    "onnxruntime",
    "openvino",
    "paho",
    "psutil",
    "rapidocr",
    "sqlalchemy",
    "tensorrt",
    "torch",
    "uvicorn",
}
TELL = "import sys; print(*sorted(name for name in sys.modules if '.' not in name))"


def modules_after(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after that code."""
    done = subprocess.run([sys.executable, "-c", f"{code}\n{TELL}"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def command(*arguments: str) -> str:
    return (
        f"import sys; sys.argv = ['flowalpr', *{arguments!r}]\n"
        "from flowalpr.cli.main import main\n"
        "try: main()\nexcept SystemExit as end: assert not end.code, end.code"
    )


def test_every_import_keeps_the_contracts() -> None:
    # In a process of its own: the linter sets up logging anew, which silences all loggers of this one.
    lint = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(cache_dir=None))"
    done = subprocess.run([sys.executable, "-c", lint], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout


def test_no_module_of_flowalpr_imports_from_its_own_root() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (ROOT / "flowalpr").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "flowalpr" and not _modules(node)
    ]
    assert not found


def _modules(node: ast.ImportFrom) -> bool:
    """Whether all that is imported are modules (`from flowalpr import hooks`), not what the root shows."""
    folder = ROOT / "flowalpr"
    return all((folder / f"{each.name}.py").exists() or (folder / each.name).is_dir() for each in node.names)


def test_the_nodes_in_the_box_import_nothing_heavy_until_they_open() -> None:
    assert not modules_after("import flowalpr_builtin; flowalpr_builtin.flowalpr_nodes()") & HEAVY


def test_a_window_into_a_running_flow_imports_neither_nodes_nor_their_pictures() -> None:
    assert not modules_after("import flowalpr.cli.monitor, flowalpr.tui.app") & {*HEAVY, "numpy", "pluggy"}


@pytest.mark.parametrize(
    "arguments",
    [("--help",), ("nodes",), ("check", str(ROOT / "flows" / "parking.yaml"))],
    ids=lambda arguments: arguments[0],
)
def test_a_command_that_only_looks_imports_nothing_heavy(arguments: tuple[str, ...]) -> None:
    assert not modules_after(command(*arguments)) & HEAVY


def test_a_command_imports_no_other() -> None:
    tell = "print(*sorted(name for name in sys.modules if name.startswith('flowalpr.cli.')))"
    done = subprocess.run(
        [sys.executable, "-c", f"{command('schema', '--help')}\n{tell}"], capture_output=True, text=True, timeout=60
    )
    loaded = done.stdout.splitlines()[-1].split()
    assert loaded == ["flowalpr.cli.main", "flowalpr.cli.options", "flowalpr.cli.output", "flowalpr.cli.schema"]


@pytest.mark.parametrize("arguments", [("run", "first"), ("read", "car.jpg")], ids=lambda arguments: arguments[0])
def test_a_command_that_needs_a_missing_runtime_says_what_to_install(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    code = f"import sys; sys.modules['cv2'] = None\n{command(*arguments)}"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert "cv2 is not installed\n  to fix    pip install 'flowalpr[cpu]'" in done.stderr


def test_evaluating_imports_no_torch() -> None:
    names = [path.stem for path in (ROOT / "flowalpr" / "lab" / "evaluation").glob("*.py") if path.stem != "__init__"]
    assert "torch" not in modules_after("\n".join(f"import flowalpr.lab.evaluation.{name}" for name in names))
