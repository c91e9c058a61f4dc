from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Literal, TypeVar

import pluggy
import pytest

from flowalpr import Detections, Duration, Fault, Fraction, Frame, Message, ModelName, Node, PlateRead, Secret
from flowalpr.errors import FlowError
from flowalpr.flow.graph import Graph
from flowalpr.flow.load import load_flow
from flowalpr.node import node_name
from flowalpr.plugins import Broken, Catalogue, Offer

T = TypeVar("T", bound=Message)


class Camera(Node):
    """Frames of a camera."""

    url: str
    """Where the camera is."""
    fps: float | None = None

    def process(self) -> Iterator[Frame]:
        return iter(())


class Detect(Node):
    """Find plates with a model."""

    model: ModelName = "plates"

    def process(self, frame: Frame) -> Detections:
        return Detections(frame, ())


class DetectText(Node):
    """Find plates without a model of plates."""

    def process(self, frame: Frame) -> Detections:
        return Detections(frame, ())


class Ocr(Node):
    """Read plates."""

    def process(self, detections: Detections) -> list[PlateRead]:
        return []


class Confident(Node):
    """Pass on sure reads."""

    at_least: Fraction = 0.8

    def process(self, read: PlateRead) -> PlateRead | None:
        return read


class Distinct(Node):
    """Pass on each plate once."""

    cool_down: Duration = timedelta(seconds=10)
    keep: Literal["first", "best"] = "first"
    rows: int = 1

    def process(self, read: PlateRead) -> PlateRead | None:
        return read


class RateLimit(Node):
    """Pass on what comes in, less often."""

    def process(self, message: T) -> T | None:
        return message


class Console(Node):
    """Show messages."""

    def process(self, message: Message) -> None: ...


class Store(Node):
    """Keep reads."""

    path: Path = Path("reads.db")
    key: Secret | None = None

    def process(self, read: PlateRead) -> None: ...


class Mqtt(Node):
    """Send reads."""

    host: str = "localhost"
    topics: tuple[str, ...] = ()
    password: Secret | None = None

    def process(self, read: PlateRead) -> None: ...


class Alarm(Node):
    """Tell somebody of faults."""

    def process(self, fault: Fault) -> None: ...


NODES = (Camera, Detect, DetectText, Ocr, Confident, Distinct, RateLimit, Console, Store, Mqtt, Alarm)


def find_model(name: str) -> object:
    from flowalpr import SetupError

    if name != "plates":
        raise SetupError(f"no model '{name}' was found", "known models: plates")
    return name


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    offers = [Offer("builtin", node_name(node), node) for node in NODES]
    offers += [Offer("one", "shared", Console), Offer("two", "shared", Console)]
    broken = [Broken("paddle", "0.3", "ModuleNotFoundError: No module named 'paddle'")]
    return Catalogue(offers, broken, pluggy.PluginManager("flowalpr"))


Load = Callable[..., Graph]


@pytest.fixture
def load(catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Loads a flow from its text; further texts are files beside it, by name without the ending."""
    monkeypatch.chdir(tmp_path)

    def load(
        text: str | bytes, environ: dict[str, str] | None = None, settings: dict[str, str] | None = None, **others: str
    ) -> Graph:
        for name, other in others.items():
            Path(f"{name}.yaml").write_text(other, encoding="utf-8")
        Path("flow.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_flow(Path("flow.yaml"), catalogue, settings=settings, environ=environ or {}, find_model=find_model)

    return load


@pytest.fixture
def errors(load: Load) -> Callable[..., str]:
    """What is said about a wrong flow."""

    def errors(
        text: str | bytes, environ: dict[str, str] | None = None, settings: dict[str, str] | None = None, **others: str
    ) -> str:
        with pytest.raises(FlowError) as caught:
            load(text, environ, settings, **others)
        return str(caught.value)

    return errors
