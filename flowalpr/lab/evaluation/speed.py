"""How fast a model is on this machine, and how much memory it takes, through the code that flows run."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from flowalpr.errors import FlowalprError, SetupError, missing_module

if TYPE_CHECKING:
    from flowalpr.lab.compression.recast import Precision
    from flowalpr.vision.image import Picture
    from flowalpr.vision.session import Device, Session

WARM_UP = 5
TIME_LIMIT = 300.0
"""Seconds that one case may take."""


class Case(NamedTuple):
    """One way to run a model."""

    folder: Path
    device: Device = "cpu"
    threads: int = 1
    batch: int = 1
    """Pictures that the network is given at once."""
    precision: Precision | None = None
    """Another number format than that of the file."""

    def __str__(self) -> str:
        told = f"{self.folder.name} {self.precision or 'as it ships'} on {self.device}"
        return f"{told}, {self.threads} threads, batch {self.batch}"


@dataclass(frozen=True, slots=True)
class Timing:
    """What one case took; all times are medians, in milliseconds a picture."""

    model: str
    task: str
    precision: str
    provider: str
    """What really ran the network."""
    threads: int
    batch: int
    size: str
    """Width x height of the network's input."""
    around: float
    """Scaling the picture before the network, and making sense of what comes out."""
    network: float
    p95: float
    """Both together, for 95 of 100 pictures."""
    megabytes: float
    """Most memory that the whole process took."""

    @property
    def fps(self) -> float:
        """Pictures a second on the threads used."""
        return 1e3 / (self.around + self.network)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a case cannot be measured here."""

    case: Case
    why: str


def measure(cases: Sequence[Case], picture: Path | None, runs: int) -> Iterator[Timing | Refusal]:
    """The timing of each case, each in a process of its own so that its memory is its own; or why there is none.

    `picture` is what a detector looks at; without it, a drawn one of 1280 x 720. A reader gets a drawn plate.
    """
    with TemporaryDirectory() as made:
        for case in cases:
            try:
                yield _timing(case, _weights(case, Path(made)), picture, runs)
            except FlowalprError as error:
                yield Refusal(case, str(error))


def _weights(case: Case, made: Path) -> Path | None:
    """The file with the network of a case, if it is not the model's own; made here, for memory is measured there."""
    if case.precision is None:
        return None
    from flowalpr.vision.manifest import find_model

    try:
        from flowalpr.lab.compression.recast import recast

        return recast(find_model(case.folder), case.precision, made)
    except ModuleNotFoundError as error:
        raise missing_module(error) or error from error


def _timing(case: Case, weights: Path | None, picture: Path | None, runs: int) -> Timing:
    """The timing of a case.

    Raises:
        SetupError: the model is missing or damaged, or its process died or took too long.
    """
    here, there = get_context("spawn").Pipe(duplex=False)
    process = get_context("spawn").Process(target=_answer, args=(there, case, (weights, picture), runs), daemon=True)
    process.start()
    there.close()  # So that the end of the process is seen at once.
    try:
        if not here.poll(TIME_LIMIT):
            raise SetupError(f"{case.folder.name} took more than {TIME_LIMIT:.0f} s", "fewer runs: --runs")
        answer = here.recv()
    except EOFError:
        raise SetupError(f"the process of {case.folder.name} died", "the memory may not have sufficed") from None
    finally:
        process.kill()
        process.join()
    if not isinstance(answer, Timing):
        raise SetupError(str(answer))
    return answer


def draw(timings: Sequence[Timing], plot: Path) -> None:
    """Draw milliseconds a picture as bars, what is around the network and the network; `plot` ends in .png or .svg."""
    from matplotlib.figure import Figure

    names = [f"{t.model} {t.precision}, {t.provider}\n{t.threads} threads, batch {t.batch}" for t in timings]
    figure = Figure(figsize=(8, 1.2 + 0.6 * len(timings)), layout="constrained")
    axes = figure.add_subplot()
    around, network = [each.around for each in timings], [each.network for each in timings]
    axes.barh(names, around, color="#8fb8de", label="around the network")
    axes.barh(names, network, left=around, color="#1f6feb", label="network")
    axes.invert_yaxis()
    axes.set_xlabel("milliseconds a picture")
    axes.legend()
    plot.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(plot)


def _answer(there: Connection, case: Case, files: tuple[Path | None, Path | None], runs: int) -> None:
    """Send the timing of a case, or in words why there is none; `files` are weights and a picture, if given."""
    try:
        there.send(_measure(case, *files, runs))
    except (FlowalprError, OSError) as error:
        there.send(str(error))


def _measure(case: Case, weights: Path | None, picture: Path | None, runs: int) -> Timing:
    from flowalpr.vision.detector import AT_LEAST, LONGEST, find_with
    from flowalpr.vision.image import canvas_size, load
    from flowalpr.vision.manifest import find_model
    from flowalpr.vision.reader import read_with
    from flowalpr.vision.session import in_words, open_session

    model = find_model(case.folder)
    held, reading = model.manifest, model.manifest.reading
    session = _Timed(open_session(weights or model.weights, case.device, case.threads), case.batch)
    if reading is not None:
        plate, shape = _plate(), (held.input.height or 0, held.input.width or 0)

        def once() -> None:
            read_with(session, held.input, reading, [plate])
    else:
        image = load(picture) if picture else _street()
        shape = canvas_size(image.shape[0], image.shape[1], LONGEST)

        def once() -> None:
            find_with(session, held.input, image, AT_LEAST, LONGEST)

    whole, network = _times(once, session, runs)
    return Timing(
        model=held.name,
        task=held.task,
        precision=case.precision or held.precision,
        provider=in_words(session.provider, case.device),
        threads=case.threads,
        batch=case.batch,
        size=f"{shape[1]}x{shape[0]}",
        around=median(a - b for a, b in zip(whole, network, strict=True)),
        network=median(network) / case.batch,
        p95=float(np.quantile([a - b + b / case.batch for a, b in zip(whole, network, strict=True)], 0.95)),
        megabytes=_peak_megabytes(),
    )


class _Timed:
    """A session that runs each picture as often as a batch is large, and notes the time of the network alone."""

    def __init__(self, session: Session, batch: int) -> None:
        self._session = session
        self._batch = batch
        self.provider = session.provider
        self.spent = 0.0

    def run(self, batch: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
        repeated = np.repeat(batch, self._batch, axis=0)
        start = time.perf_counter()
        results = self._session.run(repeated)
        self.spent += time.perf_counter() - start
        return [each[: len(batch)].copy() for each in results]


def _times(once: Callable[[], None], session: _Timed, runs: int) -> tuple[list[float], list[float]]:
    """Milliseconds of the whole and of the network alone, run by run."""
    import cv2

    cv2.setNumThreads(1)
    whole, network = [], []
    for number in range(WARM_UP + runs):
        session.spent = 0.0
        start = time.perf_counter()
        once()
        if number >= WARM_UP:
            whole.append((time.perf_counter() - start) * 1e3)
            network.append(session.spent * 1e3)
    return whole, network


def _street() -> Picture:
    """A picture of 1280 x 720 with detail at every scale, as a street has; float rounding decides no value."""
    import cv2

    random = np.random.default_rng(3)
    image = np.zeros((720, 1280, 3), np.uint8)
    for cells in (6, 24, 96, 384):
        noise = random.integers(0, 64, (cells * 9 // 16 + 1, cells, 3), dtype=np.uint8)
        image += np.asarray(cv2.resize(noise, (1280, 720), interpolation=cv2.INTER_NEAREST), np.uint8)
    return image


def _plate() -> Picture:
    from flowalpr.testing import plate_frame

    return np.ascontiguousarray(plate_frame().image[145:215, 185:455])


def _peak_megabytes() -> float:
    import resource

    # Linux counts in kibibytes, macOS in bytes (getrusage(2) of each).
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
