"""The sample clip and its pictures: cars that queue at a gate while the light goes, with the truth beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from flowalpr.lab.datasets.sample import Dataset, Plate, Sample, save, write_lines
from flowalpr.lab.datasets.synthetic import gate
from flowalpr.lab.datasets.synthetic.car import Car
from flowalpr.lab.datasets.synthetic.gate import HEIGHT, WIDTH, Camera, Picture
from flowalpr.lab.datasets.synthetic.photograph import Light, Scene, Shown, photograph
from flowalpr.lab.datasets.synthetic.signs import YELLOW, Sign

FPS, SECONDS = 10, 8
BEGUN = "2026-05-04T18:20:00.000000Z"
WAITING, APART, CYCLE = 7.4, 6.5, 2.75
"""Metres to the car at the barrier and on to the next one; seconds that each takes to get through."""
PICTURE_SIZE, PICTURE_BYTES = (960, 540), 60_000


QUEUE = (
    Car((132, 72, 38), Sign("D", ("MH", "TE", "742")), x=-0.85),
    Car((196, 198, 200), Sign("GB", ("LK73", "XVD")), x=0.38, tall=1.12),
    Car((44, 46, 150), Sign("BR", ("QXZ", "8K47")), x=-0.6, lit=True),
)
STILLS = {
    "rear.jpg": (
        Camera(),
        Scene(
            (Shown(Car((70, 84, 52), Sign("GB", ("WN24", "HTR"), YELLOW), rear=True, tall=1.06), 8.4),), Light(1.0), 1.0
        ),
    ),
    "dutch.jpg": (
        Camera(x=-2.6, yaw=-0.12, y=2.1),
        Scene((Shown(Car((60, 62, 66), Sign("NL", ("X", "473", "RD"), YELLOW)), 7.6),), Light(0.75, blur=0.6, noise=3)),
    ),
    "dusk.jpg": (
        Camera(x=0.9, yaw=0.08),
        Scene((Shown(Car((150, 140, 128), Sign("FR", ("QX", "748", "ZN")), lit=True), 7.4),), Light(0.22, 0.8, 0.6, 4)),
    ),
    "two.jpg": (
        Camera(x=2.1, yaw=0.16),
        Scene(
            (
                Shown(Car((40, 120, 190), Sign("D", ("WHV", "TX", "58")), x=-0.9, tall=1.1), 7.6),
                Shown(Car((222, 222, 220), Sign("BR", ("HJX", "2D64")), x=1.15), 9.4),
            ),
            Light(0.9),
        ),
    ),
}


def render_sample(folder: Path, fonts: Path, seed: int = 1) -> None:
    """Write `gate.mp4`, `gate.truth.jsonl` and `pictures/` into a folder; the same seed gives the same pictures.

    `fonts` is a folder with the typefaces that `signs.py` names.

    Raises:
        SetupError: a typeface is missing.
    """
    queue = [each.painted(fonts) for each in QUEUE]  # First of all, for a typeface may be missing.
    stills = {name: (camera, _painted(scene, fonts)) for name, (camera, scene) in STILLS.items()}
    folder.mkdir(parents=True, exist_ok=True)
    truth = []
    with _Film(folder / "gate.mp4") as film:
        for number, (image, plates) in enumerate(frames(queue, seed)):
            film.add(image)
            sample = Sample(file="gate.mp4", width=WIDTH, height=HEIGHT, plates=tuple(plates))
            truth.append(json.dumps({"frame": number, "time": number / FPS} | json.loads(sample.as_line())))
    write_lines(folder / "gate.truth.jsonl", truth)
    _render_stills(folder / "pictures", stills, seed)


def frames(queue: list[Car], seed: int) -> Iterator[tuple[Picture, list[Plate]]]:
    """The clip's pictures, uint8, (720, 1280, 3), BGR, each with the plates to be seen in it."""
    camera = Camera()
    empty = gate.place(camera, np.random.default_rng(seed))
    for number in range(FPS * SECONDS):
        yield photograph(camera, empty, scene_at(number / FPS, queue), np.random.default_rng([seed, number]))


def scene_at(time: float, queue: list[Car]) -> Scene:
    """What the gate looks like so many seconds into the clip."""
    shown, raised = [], 0.0
    for place, each in enumerate(queue):
        z, speed = _course(time - place * CYCLE, place)
        if z > -4.0:
            shown.append(Shown(each, z, speed))
        since = time - place * CYCLE
        raised = max(raised, min(_ramp(since, 1.0, 1.45), 1 - _ramp(since, 3.25, 3.65)))
    day = 1 - 0.45 * _ramp(time, 1.5, 4.0) - 0.30 * _ramp(time, 4.3, 6.4)
    light = Light(day, 0.95 * _ramp(time, 4.4, 5.2), 0.4 + 0.35 * _ramp(time, 2, 6), 1.2 + 2.0 * _ramp(time, 2, 7))
    return Scene(tuple(shown), light, raised)


def _course(time: float, place: int) -> tuple[float, float]:
    """Where a car is and how fast it comes, `time` seconds after its turn began, `place` cars behind the first."""
    rolled = _ramp(time, -0.9, 0.9)  # Its turn begins in the middle of its way to the barrier.
    speed = APART * _slope(time, -0.9, 0.9)
    for earlier in range(1, place + 1):
        rolled += _ramp(time, -0.9 - earlier * CYCLE + 0.25, 0.9 - earlier * CYCLE + 0.25) - 1
        speed += APART * _slope(time, -0.9 - earlier * CYCLE + 0.25, 0.9 - earlier * CYCLE + 0.25)
    leaving = max(0.0, time - 1.45)
    return WAITING + APART * (1 - rolled) - 2.4 * leaving**2, speed + 4.8 * leaving


def _ramp(time: float, start: float, end: float) -> float:
    """From 0 at `start` to 1 at `end`, slow at both."""
    part = min(1.0, max(0.0, (time - start) / (end - start)))
    return part * part * (3 - 2 * part)


def _slope(time: float, start: float, end: float) -> float:
    """How fast `_ramp` rises, a second."""
    part = min(1.0, max(0.0, (time - start) / (end - start)))
    return 6 * part * (1 - part) / (end - start)


class _Film:
    """A video file that is being written: H.264 at the clip's rate, playable while it loads."""

    def __init__(self, path: Path) -> None:
        import av

        self._container = av.open(str(path), "w", options={"movflags": "faststart", "fflags": "+bitexact"})
        self._container.metadata["creation_time"] = BEGUN
        options = {"crf": "28", "preset": "slow", "g": "20", "threads": "1"}  # One thread: the same bytes each time.
        self._stream = self._container.add_stream("libx264", rate=Fraction(FPS), options=options)
        self._stream.width, self._stream.height, self._stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"

    def __enter__(self) -> _Film:
        return self

    def add(self, image: Picture) -> None:
        """Append a picture."""
        import av

        self._container.mux(self._stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))

    def __exit__(self, *error: object) -> None:
        if error[0] is None:
            self._container.mux(self._stream.encode())
        self._container.close()


def _painted(scene: Scene, fonts: Path) -> Scene:
    return scene._replace(cars=tuple(each._replace(car=each.car.painted(fonts)) for each in scene.cars))


def _render_stills(folder: Path, stills: dict[str, tuple[Camera, Scene]], seed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    samples = []
    width, height = PICTURE_SIZE
    scale = width / WIDTH
    for number, (name, (camera, scene)) in enumerate(stills.items()):
        rng = np.random.default_rng([seed, number, 1])
        image, plates = photograph(camera, gate.place(camera, rng), scene, rng)
        small = cv2.resize(image, PICTURE_SIZE, interpolation=cv2.INTER_AREA)
        qualities = (cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, q])[1] for q in range(92, 20, -4))
        (folder / name).write_bytes(next(each.tobytes() for each in qualities if each.size <= PICTURE_BYTES))
        samples.append(
            Sample(file=name, width=width, height=height, plates=tuple(_scaled(plate, scale) for plate in plates))
        )
    save(Dataset(folder, tuple(samples)))


def _scaled(plate: Plate, scale: float) -> Plate:
    assert plate.box, "every drawn plate has a box"  # noqa: S101
    assert plate.corners, "and corners"  # noqa: S101
    left, top, width, height = (round(value * scale, 1) for value in plate.box)
    a, b, c, d = ((round(x * scale, 1), round(y * scale, 1)) for x, y in plate.corners)
    return plate.model_copy(update={"box": (left, top, width, height), "corners": (a, b, c, d)})
