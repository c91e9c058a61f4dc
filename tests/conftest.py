"""What all tests share: golden files, the photographs beside the checkout, and what this machine cannot run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PHOTOGRAPHS = ROOT.parent / "shared" / "data"
MISSING = {
    "gpu": None if Path("/dev/nvidiactl").exists() else "no CUDA device",
    "data": None if PHOTOGRAPHS.is_dir() else "no photographs in ../shared/data",
}
LEFT_OUT = pytest.StashKey[Counter[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden", action="store_true", help="rewrite the golden files instead of comparing them")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out: Counter[str] = Counter()
    kept: list[pytest.Item] = []
    out: list[pytest.Item] = []
    for item in items:
        reasons = [reason for mark, reason in MISSING.items() if reason and item.get_closest_marker(mark)]
        (out if reasons else kept).append(item)
        left_out.update(reasons)
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = kept
    config.stash[LEFT_OUT] = left_out


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for reason, count in config.stash.get(LEFT_OUT, Counter()).items():
        terminalreporter.write_line(f"LEFT OUT [{count}] {reason}")


@pytest.fixture(scope="session")
def photographs() -> Path:
    """The folder of photographs; for tests with the mark `data`."""
    return PHOTOGRAPHS


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Compares a text with a file that we accepted; `make golden` writes the file anew for you to review."""

    def compare(path: Path, text: str) -> None:
        if request.config.getoption("--golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        accepted = path.read_text(encoding="utf-8") if path.exists() else ""
        assert text == accepted, f"{path.name} is not as accepted; `make golden` rewrites it for you to review"

    return compare
