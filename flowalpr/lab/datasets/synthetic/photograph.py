"""Pictures of the sample's scenes as a camera would take them, and the truth about the plates in them."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from flowalpr.lab.datasets.sample import Corners, Plate
from flowalpr.lab.datasets.synthetic import car, gate
from flowalpr.lab.datasets.synthetic.car import Car
from flowalpr.lab.datasets.synthetic.gate import HEIGHT, SCALE, WIDTH, Camera, Canvas, Picture, Points

SHUTTER, EXPOSURES = 1 / 80, 4
"""Seconds for which a picture is exposed, and how many drawings of a moving car are laid over one another for it."""
READABLE, NOTICED = 60.0, 24.0
"""Pixels of width from which a plate has a text in the truth, and from which it is listed at all."""


class Light(NamedTuple):
    """How bright it is and what the camera makes of it."""

    day: float
    """What is left of daylight, 0..1."""
    lamp: float = 0.0
    """How bright the lamp over the gate is, 0..1."""
    blur: float = 0.4
    """Pixels by which the lens is out of focus."""
    noise: float = 1.5
    """Grey levels."""


class Shown(NamedTuple):
    """A car in a picture."""

    car: Car
    z: float
    """Metres from the camera to its front."""
    speed: float = 0.0
    """Metres a second towards the camera."""


class Scene(NamedTuple):
    """What a picture shows."""

    cars: tuple[Shown, ...]
    """From near to far."""
    light: Light
    raised: float = 0.0
    """How far the barrier is up, 0..1."""


def photograph(camera: Camera, empty: Picture, scene: Scene, rng: np.random.Generator) -> tuple[Picture, list[Plate]]:
    """A picture of a scene, uint8, (720, 1280, 3), BGR, and its plates."""
    moves = any(each.speed > 0.3 for each in scene.cars)
    parts = (np.arange(EXPOSURES) + 0.5) / EXPOSURES - 0.5 if moves else np.zeros(1)
    drawn = [_drawn(camera, empty, scene, float(part) * SHUTTER) for part in parts]
    image = np.mean([cv2.resize(each.image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA) for each in drawn], axis=0)
    middle = drawn[len(drawn) // 2]
    return _developed(image, camera, middle.lamps, scene.light, rng), middle.plates


class _Drawing(NamedTuple):
    """A scene as if frozen."""

    image: Picture
    plates: list[Plate]
    lamps: list[Points]
    """Where head lamps shine into the camera, (3,) each."""


def _drawn(camera: Camera, empty: Picture, scene: Scene, later: float) -> _Drawing:
    canvas = Canvas(camera, empty.copy())
    plates: list[tuple[Car, _View]] = []
    lamps: list[tuple[Points, _View]] = []
    for each in reversed(scene.cars):
        z = each.z - each.speed * later
        car.draw(canvas, each.car, z)
        if view := _View.of(canvas, each.car.plate_corners(z)):
            plates.append((each.car, view))
        for lamp in each.car.lamps(z) if each.car.lit else ():
            if view := _View.of(canvas, lamp + 0.03 * np.array([(-1, 1, 0), (1, 1, 0), (1, -1, 0), (-1, -1, 0)])):
                lamps.append((lamp, view))
    gate.barrier(canvas, scene.raised)
    labels = [_labelled(of, view.corners, view.uncovered(canvas.image)) for of, view in reversed(plates)]
    shining = [lamp for lamp, view in lamps if view.uncovered(canvas.image) > 0.5]
    return _Drawing(canvas.image, [label for label in labels if label], shining)


class _View(NamedTuple):
    """Something flat that was painted: where, and what it looked like then."""

    corners: Points
    """(4, 2), pixels of the shown picture."""
    before: Picture

    @classmethod
    def of(cls, canvas: Canvas, points: Points) -> _View | None:
        """What was just painted onto four corners in space; None if it is not wholly in the picture."""
        seen = canvas.camera.seen(points)
        corners = canvas.camera.shown(seen)
        inside = (corners >= 1).all() and (corners <= [WIDTH - 1, HEIGHT - 1]).all()
        return cls(corners, _cut(canvas.image, corners).copy()) if inside and seen[:, 2].min() > gate.NEAR else None

    def uncovered(self, image: Picture) -> float:
        """The share of it over which nothing was painted since."""
        now = _cut(image, self.corners)
        mask = np.zeros(now.shape[:2], np.uint8)
        low = np.floor(self.corners.min(axis=0) * SCALE)
        cv2.fillPoly(mask, [np.round(self.corners * SCALE - low).astype(np.int32)], 1)
        same = (now == self.before).all(axis=2)
        return float((same & (mask > 0)).sum() / mask.sum())


def _cut(image: Picture, corners: Points) -> Picture:
    low, high = np.floor(corners.min(axis=0) * SCALE).astype(int), np.ceil(corners.max(axis=0) * SCALE).astype(int)
    return image[low[1] : high[1], low[0] : high[0]]


def _developed(image: Picture, camera: Camera, lamps: list[Points], light: Light, rng: np.random.Generator) -> Picture:
    """What the camera makes of the light that falls into it."""
    dusk = 1 - light.day
    down, across = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)

    def glow(point: Points, wide: float, high: float) -> Points:
        seen = camera.seen(point[None])
        (x, y), distance = camera.shown(seen)[0], max(2.0, float(seen[0, 2]))
        scale = camera.focal / distance
        spot = np.exp(-(((across - x) / (wide * scale)) ** 2) - ((down - y) / (high * scale)) ** 2)
        return np.asarray(spot[:, :, None], dtype=np.float64)

    ambient = np.array([1 - 0.80 * dusk, 1 - 0.88 * dusk, 1 - 0.93 * dusk])
    lamp = glow(np.array([-0.4, 0.5, 8.2]), 3.2, 2.2) * light.lamp * np.array([0.52, 0.66, 0.74])
    exposed = image * (ambient + lamp)
    for lamp in lamps:
        beam = glow(lamp, 0.10, 0.10) * 190 + glow(lamp - [0, 0.04, 0], 0.42, 0.30) * 60 * dusk
        exposed += beam * np.array([0.86, 0.96, 1.0]) * (0.35 + 0.65 * dusk)
    middle = ((across - WIDTH / 2) / WIDTH) ** 2 + ((down - HEIGHT / 2) / WIDTH) ** 2
    exposed *= 1 - 0.42 * middle[:, :, None]
    exposed = cv2.GaussianBlur(exposed, (0, 0), light.blur)
    exposed += rng.normal(0, light.noise, (HEIGHT, WIDTH, 1)) + rng.normal(0, light.noise / 3, exposed.shape)
    return np.asarray(np.clip(np.round(exposed), 0, 255), dtype=np.uint8)


def _labelled(of: Car, corners: Points, uncovered: float) -> Plate | None:
    """A plate's label, without its text where nobody could read it; None where nobody would notice the plate."""
    points = [(round(float(x), 1), round(float(y), 1)) for x, y in corners]
    width = float(np.linalg.norm(corners[1] - corners[0]))
    if width < NOTICED or uncovered < 0.4:
        return None
    reason = "partly hidden" if uncovered < 0.97 else "too small" if width < READABLE else None
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    box = (round(float(left), 1), round(float(top), 1), round(float(right - left), 1), round(float(bottom - top), 1))
    four: Corners = (points[0], points[1], points[2], points[3])
    text = None if reason else of.sign.text
    return Plate(box=box, corners=four, text=text, country=of.sign.country, rows=1, reason=reason)
