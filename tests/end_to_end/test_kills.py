"""A whole flow killed at random moments and begun anew: nothing is stored twice, nothing confirmed is lost."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.broker import until
from support.models import stripe_reader
from support.web import WebServer
from support.white_finder import write_white_finder

from flowalpr.delivery.outbox import Outbox
from flowalpr.storage import Query, ReadStore, StoreAddress

CARS = 24
KILLS = 4
FRAMES, GAP = 3, 4
"""In which each car is seen, and in which none is, so that it is gone before the next comes."""
FLOW = """
flow: killed
nodes:
  gate:    {uses: video, with: {path: cars.mkv, starts: 2026-01-01T12:00:00Z}}
  plates:  {uses: detect, from: gate, with: {model: finder, at_least: 0.8}}
  follow:  {uses: track, from: plates}
  text:    {uses: ocr, from: follow, with: {model: reader}}
  cars:    {uses: vote, from: text, with: {again: 0 s, sure: 1}}
  archive: {uses: store, from: cars, with: {path: cars.db}}
  tell:    {uses: webhook, from: cars, with: {url: "http://set.by.the.test", queue: queue}}
"""


def record_cars(path: Path) -> None:
    """A video, two frames a second: one car after the other, each with a plate of its own."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=2)
        stream.width, stream.height, stream.pix_fmt = 192, 64, "bgr0"
        for number in range(CARS * (FRAMES + GAP)):
            image = np.full((64, 192, 3), 127, np.uint8)
            car, step = divmod(number, FRAMES + GAP)
            if step < FRAMES:
                _draw_plate(image, car, left=32 + 8 * step)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "bgr24")))
        container.mux(stream.encode())


def _draw_plate(image: NDArray[np.uint8], number: int, left: int) -> None:
    """The number in dark and bright stripes, and between them the white cell by which the plate is found."""
    for bit, slot in enumerate((0, 1, 2, 5, 6, 7)):
        image[16:40, left + 8 * slot : left + 8 * slot + 4] = 255 if number >> bit & 1 else 0
    image[24:32, left + 32 : left + 40] = 255


@dataclass
class Site:
    """The folder of a flow, and the server that it tells."""

    folder: Path
    web: WebServer

    def run(self, *settings: str) -> subprocess.Popen[bytes]:
        given = [f"tell.url=http://127.0.0.1:{self.web.port}/", *settings]
        command = ["run", "flow.yaml", "--summary", "none", *(part for each in given for part in ("--set", each))]
        return subprocess.Popen(
            [sys.executable, "-m", "flowalpr", *command],
            cwd=self.folder,
            env={**os.environ, "FLOWALPR_STATE": str(self.folder / "state")},
            stderr=subprocess.DEVNULL,
        )

    def run_to_the_end(self, *settings: str) -> None:
        with self.run(*settings) as process:
            assert process.wait(120) == 0

    def heard(self) -> list[str]:
        """The ids of the events that were told, in order."""
        return [json.loads(each.body)["event"] for each in self.web.come]

    def queued(self) -> list[str]:
        """The ids of the events that wait in the queue."""
        with closing(Outbox(self.folder / "queue", "the test", 1000)) as queue:
            return [each.event for each in queue.oldest(limit=1000)]

    def stored(self, name: str = "cars.db") -> list[str]:
        """The ids of the passages in the store, in the order of their storing."""
        with ReadStore(StoreAddress(self.folder / name)) as store:
            return [each.id for each in sorted(store.iterate(Query()), key=lambda each: each.number)]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("FLOWALPR_STATE", str(tmp_path / "state"))
    record_cars(tmp_path / "cars.mkv")
    write_white_finder(tmp_path / "finder")
    stripe_reader(tmp_path / "reader")
    (tmp_path / "flow.yaml").write_text(FLOW)
    web = WebServer()
    yield Site(tmp_path, web)
    web.close()


def once(events: list[str]) -> list[str]:
    """Without those that came again at once, since nobody knew whether they had been taken."""
    return [event for event, _ in groupby(events)]


@pytest.mark.slow
def test_a_flow_killed_at_random_moments_stores_nothing_twice_and_loses_nothing_confirmed(site: Site) -> None:
    site.run_to_the_end("archive.path=whole.db", "tell.queue=queue-of-the-whole")
    passages, events = site.stored("whole.db"), site.heard()
    assert len(set(passages)) == len(set(events)) == CARS
    site.web.come.clear()

    seed = random.SystemRandom().randrange(10_000)
    print(f"seed {seed}")  # To be seen if it fails.
    chance = random.Random(seed)
    left: list[str] = []
    kept: list[str] = []
    for _ in range(KILLS):
        begun = len(site.web.come)
        wanted = begun + len(left) + chance.randrange(CARS)
        with site.run() as process:
            until(lambda wanted=wanted: len(site.web.come) >= wanted, 60)  # type: ignore[misc]  # bound now, on purpose
            threading.Event().wait(chance.uniform(0, 0.05))
            process.kill()
        heard, waiting = site.heard()[begun:], site.queued()
        accepted = once(heard + waiting)
        assert any(accepted == once(left + events[:count]) for count in range(CARS + 1)), f"seed {seed}"
        stored = site.stored()
        assert stored[: len(kept)] == kept, f"seed {seed}: what was stored is gone"
        assert stored == passages[: len(stored)], f"seed {seed}: stored twice or not at all"
        left, kept = waiting, stored
    begun = len(site.web.come)
    site.run_to_the_end()
    assert once(site.heard()[begun:]) == once(left + events), f"seed {seed}"
    assert site.stored() == passages, f"seed {seed}"
