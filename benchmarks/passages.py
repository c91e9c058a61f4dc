"""What voting is worth: `python benchmarks/passages.py` drives drawn cars past a gate, in all weathers and by night.

Each car's plate comes nearer over 8 to 20 frames, drawn small, askew and spoilt by its weather, lens and codec; the
detector is a simulated one that errs by a few hundredths and misses one frame in twenty; track, reader and vote are
real, and the site's four countries are known. Goals: 98 % of the passages right, above the surest read, none
told twice.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

import cv2
import numpy as np
from numpy.typing import NDArray

from flowalpr import Box, Detection, Detections, Frame, Passage, PlateRead, Stamp
from flowalpr.lab.datasets.synthetic.degrade import EFFECTS
from flowalpr.lab.datasets.synthetic.layout import load_layouts
from flowalpr.lab.datasets.synthetic.plate import Drawer
from flowalpr.lab.evaluation.rate import Rate
from flowalpr.plates import load
from flowalpr.plates.alphabet import DIGITS, LETTERS
from flowalpr.testing import feed
from flowalpr_builtin.detect.track import Track
from flowalpr_builtin.filters.vote import Vote
from flowalpr_builtin.ocr.ocr import Ocr
from flowalpr_builtin.ocr.thrift import Thrift

FPS = 10
COUNTRIES = ("GB", "DE", "FR", "NL")
WEATHERS = {
    "clear": (), "rain": ("rain",), "snow": ("snow",), "fog": ("fog",), "night": ("night",), "infrared": ("infrared",),
    "motion blur": ("motion",), "out of focus": ("defocus",), "dirt": ("dirt",), "night and rain": ("night", "rain"),
}  # fmt: skip
BEGUN = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


@dataclass
class Car:
    """One passage, its truth, and what came of it."""

    text: str
    weather: str
    first: datetime
    last: datetime
    reads: list[PlateRead] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)
    at_leisure: list[Passage] = field(default_factory=list)
    """What comes of it if every frame is read and nothing decided before the car is gone."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passages", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--strength", type=float, default=0.6, help="of the worst weather, 0..1")
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    cars, frames = drive(chosen.passages, chosen.seed, chosen.strength)
    tracked = [each for each in feed(Track(), *frames) if isinstance(each, Detections)]
    all_reads = [each for each in feed(Ocr(enough=0), *tracked) if isinstance(each, PlateRead)]
    for read in all_reads:
        car_of(cars, read.stamp.time).reads.append(read)
    kept, looked = spared(tracked, all_reads)
    vote = Vote(unread=True, countries=COUNTRIES)
    for passage in feed(vote, *kept):
        car_of(cars, passage.first).passages.append(passage)
    for passage in feed(Vote(countries=COUNTRIES, sure=1, patience=timedelta(days=1)), *all_reads):
        car_of(cars, passage.first).at_leisure.append(passage)
    show(cars, vote)
    print(f"reads: {looked / len(cars):.1f} a passage, {(len(all_reads) - looked) / len(cars):.1f} spared")


def spared(tracked: list[Detections], reads: list[PlateRead]) -> tuple[list[PlateRead], int]:
    """What a reader with the usual settings gives, which need not read everything, and how much it reads."""
    thrift, looked, given = Thrift(Ocr().enough, Ocr().sure), 0, []
    by_detection = {id(read.detection): read for read in reads}
    for found in tracked:
        wanted = thrift.worth_reading(found)
        looked += len(wanted)
        given += thrift.complete(found, [by_detection[id(each)] for each in wanted])
    return given, looked


def drive(count: int, seed: int, strength: float) -> tuple[list[Car], list[Detections]]:
    """That many cars one behind the other, and the findings of all frames."""
    random = np.random.default_rng(seed)
    layouts = [layout for layout in load_layouts() if layout.country in COUNTRIES]
    drawer = Drawer(layouts, alphabet=LETTERS + DIGITS)
    cars: list[Car] = []
    frames: list[Detections] = []
    number = 0
    formats = load(COUNTRIES)
    for index in range(count):
        plate = drawer.render_plate(random)
        while not formats.fits(plate.text):  # Layouts are looser than the law: no British plate has a Q there.
            plate = drawer.render_plate(random)
        weather = list(WEATHERS)[index % len(WEATHERS)]
        shots = list(_approach(plate.image, WEATHERS[weather], random, strength))
        cars.append(Car(plate.text, weather, _at(number), _at(number + len(shots) - 1)))
        for image, box, corners in shots:
            offset = (int(box.left) - 12, int(box.top) - 8)
            frame = Frame(image, Stamp("gate", _at(number), number), offset=offset)
            seen = Detection(frame, box, float(random.uniform(0.6, 0.95)), corners)
            frames.append(Detections(frame, (seen,) if random.random() > 0.05 else ()))
            number += 1
        number += int(random.integers(8, 40))
    return cars, frames


def show(cars: list[Car], vote: Vote) -> None:
    print(f"{len(cars)} passages, {sum(len(car.reads) for car in cars)} sights\n")
    print(f"{'weather':16} {'cars':>5} {'reads':>7} {'by format':>10} {'first':>7} {'surest':>7} {'passages':>9}")
    by_weather = defaultdict(list)
    for car in cars:
        by_weather[car.weather].append(car)
    for weather, group in [*by_weather.items(), ("all", cars)]:
        rates = [
            Rate.of(_singles(group)),
            Rate.of(_repaired(group)),
            Rate.of(_firsts(group)),
            Rate.of(_surest(group)),
            Rate.of(_voted(group)),
        ]
        single, repaired, first, surest, voted = (f"{each.value:.1%}" for each in rates)
        print(f"{weather:16} {len(group):5} {single:>7} {repaired:>10} {first:>7} {surest:>7} {voted:>9}")
    low, high = Rate.of(_voted(cars)).interval
    print(f"\npassages right: 95 % interval {low:.1%} to {high:.1%}")
    leisure = Rate.of([each.text for each in car.at_leisure] == [car.text] for car in cars)
    print(f"if every frame is read and the car's leaving awaited: {leisure}")
    told = [[each for each in car.passages if each.text] for car in cars]
    print(f"told twice: {sum(max(0, len(each) - 1) for each in told)}")
    wrong = sum(each.text != car.text for car in cars for each in car.passages if each.text)
    print(f"told wrong: {wrong}; not told: {sum(not each for each in told)}; {vote.tallies()}")
    delays = [(each.last - car.first).total_seconds() for car in cars for each in car.passages if each.text]
    print(
        f"seconds from first sight to the final text: p50 {np.median(delays):.1f}, p95 {np.quantile(delays, 0.95):.1f}"
    )
    mistakes = Counter((car.weather, each.reason) for car in cars for each in car.passages if each.text != car.text)
    for car in cars:
        for each in car.passages:
            if each.text != car.text:
                print(f"  {car.weather:16} {car.text:9} told {each.text:9} {each.confidence:.2f} {each.readings[:4]}")
    print("not right:", ", ".join(f"{weather} ({reason}) {count}" for (weather, reason), count in mistakes.items()))


def car_of(cars: list[Car], time: datetime) -> Car:
    return next(car for car in cars if car.first <= time <= car.last)


def _repaired(cars: list[Car]) -> Iterator[bool]:
    formats = load(COUNTRIES)
    return (formats.repair(read.text, read.confidences).text == car.text for car in cars for read in car.reads)


def _singles(cars: list[Car]) -> Iterator[bool]:
    return (read.text == car.text for car in cars for read in car.reads)


def _firsts(cars: list[Car]) -> Iterator[bool]:
    return (next((read.text for read in car.reads if read.text), "") == car.text for car in cars)


def _surest(cars: list[Car]) -> Iterator[bool]:
    formats = load(COUNTRIES)
    surest = ((car, max(car.reads, key=lambda read: read.confidence)) for car in cars if car.reads)
    return (formats.repair(read.text, read.confidences).text == car.text for car, read in surest)


def _voted(cars: list[Car]) -> Iterator[bool]:
    return ([each.text for each in car.passages if each.text] == [car.text] for car in cars)


def _at(number: int) -> datetime:
    return BEGUN + timedelta(seconds=number / FPS)


def _approach(
    plate: NDArray[np.uint8], effects: tuple[str, ...], random: np.random.Generator, strength: float
) -> Iterator[tuple[NDArray[np.uint8], Box, NDArray[np.float32]]]:
    """A plate coming nearer: pictures of its surroundings, its box in the camera's picture, its corners as found."""
    count, worst = int(random.integers(8, 21)), float(random.uniform(0.2, strength))
    tall = plate.shape[0] / 70  # Two rows are higher.
    heights = np.geomspace(random.uniform(11, 16), random.uniform(24, 45), count) * tall
    slope, narrow = random.normal(0, 0.05), random.uniform(0.8, 1.05)
    start, way = random.uniform(200, 800), random.uniform(-200, 200)
    steady = int(random.integers(2**32))
    tone = random.integers(20, 200, 3).tolist()
    for index, height in enumerate(heights):
        width = height * plate.shape[1] / plate.shape[0] * narrow
        left, top = start + way * index / count + random.normal(0, 1), 120 + 14 * height
        inner = np.array([[0, 0], [width, slope * width], [width, slope * width + height], [0, height]], np.float32)
        inner += (left, top + max(0.0, -slope * width))
        box = Box(*inner.min(axis=0).tolist(), *inner.max(axis=0).tolist())
        origin = np.array([int(box.left) - 12, int(box.top) - 8], np.float32)
        size = (int(box.width) + 25, int(box.height) + 17)
        canvas = np.full((size[1], size[0], 3), tone, np.uint8)
        shrunk = cv2.resize(plate, (max(8, round(width)), max(4, round(height))), interpolation=cv2.INTER_AREA)
        rows, columns = shrunk.shape[:2]
        turn = cv2.getPerspectiveTransform(
            np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32), inner - origin
        )
        image = cv2.warpPerspective(shrunk, turn, size, canvas, cv2.INTER_LINEAR, cv2.BORDER_TRANSPARENT)
        for name in effects:  # Dirt stays where it is; rain does not.
            chance = np.random.default_rng(steady) if name == "dirt" else random
            image = EFFECTS[name](image, worst, chance)
        for name in ("light", "noise", "jpeg"):
            image = EFFECTS[name](image, float(random.uniform(0, 0.3)), random)
        corners = (inner + random.normal(0, 0.03 * height, (4, 2))).astype(np.float32)
        found = Box(*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist())
        yield np.asarray(image, np.uint8), found, corners


if __name__ == "__main__":
    main()
