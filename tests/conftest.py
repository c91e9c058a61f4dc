"""What all tests share: golden files, the photographs beside the checkout, and what this machine cannot run."""

from __future__ import annotations

import importlib.util
import logging
import re
import resource
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from support.packages import Environment, build_wheel

ROOT = Path(__file__).parents[1]
PHOTOGRAPHS = ROOT.parent / "shared" / "data"
MISSING = {
    "gpu": None if Path("/dev/nvidiactl").exists() else "no CUDA device",
    "data": None if PHOTOGRAPHS.is_dir() else "no photographs in ../shared/data",
}
TORCH = importlib.util.find_spec("torch") is not None
NEEDS_TORCH = re.compile(r"^\s*(from|import) (torch|flowalpr\.lab\.(training|compression))", re.MULTILINE)
LEFT_OUT = pytest.StashKey[Counter[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden", action="store_true", help="rewrite the golden files instead of comparing them")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the tests of training and compression where torch is not installed."""
    if TORCH or collection_path.suffix != ".py" or not NEEDS_TORCH.search(collection_path.read_text(encoding="utf-8")):
        return None
    config.stash.setdefault(LEFT_OUT, Counter())["file of tests: no torch"] += 1
    return True


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = config.stash.setdefault(LEFT_OUT, Counter())
    kept: list[pytest.Item] = []
    out: list[pytest.Item] = []
    for item in items:
        reasons = [reason for mark, reason in MISSING.items() if reason and item.get_closest_marker(mark)]
        (out if reasons else kept).append(item)
        left_out.update(reasons)
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = kept


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


@pytest.fixture
def full_disk() -> Callable[[int], AbstractContextManager[None]]:
    """Makes a disk full: `with full_disk(1000)`, no file of this process may grow beyond 1000 bytes."""

    @contextmanager
    def limited(most_bytes: int) -> Iterator[None]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limited


@pytest.fixture
def rtsp_server() -> Iterator[Callable[..., RtspServer]]:
    """Starts RTSP cameras: `rtsp_server(file=..., user=..., password=..., codec=..., ticks=True)`, all optional."""
    servers: list[RtspServer] = []

    def start(**options: object) -> RtspServer:
        servers.append(RtspServer(options))
        return servers[-1]

    yield start
    for server in servers:
        server.kill()


class RtspServer:
    """A camera of `rtsp_server.py` in a process of its own; skips the test where GStreamer's server is missing."""

    def __init__(self, options: dict[str, object]) -> None:
        given = ([f"--{name}"] if value is True else [f"--{name}", str(value)] for name, value in options.items())
        arguments = [part for each in given for part in each]
        script = Path(__file__).with_name("rtsp_server.py")
        self._process = subprocess.Popen(
            ["/usr/bin/python3", str(script), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self._process.stdout
        ready = self._process.stdout.readline().split()
        if not ready:
            _, said = self._process.communicate(timeout=10)
            if "gi" in said:
                pytest.skip(f"no RTSP server on this machine ({said.strip().splitlines()[-1]}); see rtsp_server.py")
            raise RuntimeError(said)
        self.port = int(ready[1])
        self.url = f"rtsp://127.0.0.1:{self.port}/main"

    def freeze(self) -> None:
        """Let it hang: the kernel still takes connections and data, but nothing answers."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        self._process.communicate(timeout=10)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    return build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A fresh environment with nothing but that wheel and what it needs on a machine without a GPU."""
    environment = Environment(tmp_path_factory.mktemp("installed"))
    environment.install(f"{wheel}[cpu]")
    return environment


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    """Undo what a command run inside the test did to the log."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
