"""A gate to a car park in perspective: the camera, the place and the cars, as polygons with shading.

Metres: x to the right, y up, z away from the camera, the ground at y = 0. Pictures are uint8, (height, width, 3),
BGR, drawn twice as large as they are shown, which smooths all edges.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Points = NDArray[np.float64]
Colour = tuple[float, float, float]
"""BGR, 0..255."""

WIDTH, HEIGHT, SCALE = 1280, 720, 2
BARRIER = 4.9
"""Metres from the camera to the barrier: near enough for its arm to be seen below every plate that waits."""
NEAR = 0.6
"""Metres; what is nearer to the camera is cut off."""


class Camera(NamedTuple):
    """Where the camera stands and looks."""

    x: float = 1.5
    y: float = 2.5
    pitch: float = 0.15
    """Downwards, radians."""
    yaw: float = 0.14
    """To the left, radians."""
    focal: float = 1900.0
    """Pixels of the shown picture."""

    def seen(self, points: Points) -> Points:
        """Points, (n, 3), from the camera: right, up and ahead, metres."""
        x, y, z = points[:, 0] - self.x, points[:, 1] - self.y, points[:, 2]
        x, z = x * np.cos(self.yaw) + z * np.sin(self.yaw), z * np.cos(self.yaw) - x * np.sin(self.yaw)
        y, z = y * np.cos(self.pitch) + z * np.sin(self.pitch), z * np.cos(self.pitch) - y * np.sin(self.pitch)
        return np.stack([x, y, z], axis=1)

    def shown(self, seen: Points) -> Points:
        """Where points from the camera appear, (n, 2), pixels of the shown picture."""
        ahead = np.maximum(seen[:, 2:], 1e-6)
        return np.array([WIDTH / 2, HEIGHT / 2]) + self.focal * seen[:, :2] * [1, -1] / ahead

    def ground(self) -> tuple[Points, Points]:
        """Where on the ground each pixel looks: x and z, (height, width); far beyond the horizon z is infinite."""
        across, down = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
        right, up, ahead = (across - WIDTH / 2) / self.focal, (HEIGHT / 2 - down) / self.focal, 1.0
        up, ahead = (
            up * np.cos(self.pitch) - ahead * np.sin(self.pitch),
            ahead * np.cos(self.pitch) + up * np.sin(self.pitch),
        )
        right, ahead = (
            right * np.cos(self.yaw) - ahead * np.sin(self.yaw),
            ahead * np.cos(self.yaw) + right * np.sin(self.yaw),
        )
        distance = np.where(up < -1e-4, -self.y / np.minimum(up, -1e-4), np.inf)
        with np.errstate(invalid="ignore"):
            return self.x + right * distance, ahead * distance


class Canvas:
    """A picture that is drawn upon, twice as large as shown."""

    def __init__(self, camera: Camera, image: Picture) -> None:
        self.camera = camera
        self.image = image

    def fill(self, corners: object, colour: Colour) -> None:
        """Paint a flat polygon in space, (n, 3)."""
        seen = _clipped(self.camera.seen(np.asarray(corners, float)))
        if len(seen) >= 3:
            points = np.clip(self.camera.shown(seen) * SCALE * 16, -1e7, 1e7)
            cv2.fillPoly(self.image, [np.round(points).astype(np.int32)], colour, shift=4)

    def blend(self, corners: object, first: Colour, last: Colour, steps: int = 10) -> None:
        """Paint a four-cornered patch whose colour runs from its first edge (0-1) to the opposite one (3-2)."""
        points = np.asarray(corners, float)
        for step in range(steps):
            low, high = step / steps, min(1.0, (step + 1.3) / steps)  # Overlapping, so that no gap shines through.
            strip = [
                _between(points[a], points[b], part)
                for a, b, part in ((0, 3, low), (1, 2, low), (1, 2, high), (0, 3, high))
            ]
            self.fill(strip, mixed(first, last, (step + 0.5) / steps))

    def box(self, low: Colour, high: Colour, colour: Colour) -> None:
        """Paint the sides of an upright box that this camera sees: front, top, and both flanks."""
        (x0, y0, z0), (x1, y1, z1) = low, high
        flank = x1 if x1 < self.camera.x else x0
        self.fill([(flank, y0, z0), (flank, y1, z0), (flank, y1, z1), (flank, y0, z1)], shade(colour, 0.72))
        if y1 < self.camera.y:
            self.fill([(x0, y1, z0), (x1, y1, z0), (x1, y1, z1), (x0, y1, z1)], shade(colour, 1.12))
        self.fill([(x0, y0, z0), (x1, y0, z0), (x1, y1, z0), (x0, y1, z0)], colour)

    def paste(self, sign: Picture, corners: Points) -> None:
        """Lay a flat picture onto four corners in space, (4, 3), clockwise from its left top."""
        seen = self.camera.seen(corners)
        if seen[:, 2].min() < NEAR:
            return
        target = (self.camera.shown(seen) * SCALE).astype(np.float32)
        wide = max(8, round(float(np.linalg.norm(target[1] - target[0])) * 1.5))
        # Made small first, for a warp alone would skip pixels.
        small = cv2.resize(sign, (wide, max(4, wide * sign.shape[0] // sign.shape[1])), interpolation=cv2.INTER_AREA)
        high, wide = small.shape[:2]
        turn = cv2.getPerspectiveTransform(
            np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32) - 0.5, target - 0.5
        )
        size = (self.image.shape[1], self.image.shape[0])
        cv2.warpPerspective(
            small, turn, size, dst=self.image, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT
        )


def shade(colour: Colour, by: float) -> Colour:
    """A colour made lighter or darker."""
    blue, green, red = (min(255.0, part * by) for part in colour)
    return blue, green, red


def mixed(first: Colour, last: Colour, part: float) -> Colour:
    """A colour between two."""
    blue, green, red = (a + (b - a) * part for a, b in zip(first, last, strict=True))
    return blue, green, red


def noise(shape: tuple[int, int], cell: float, rng: np.random.Generator) -> Points:
    """Smooth noise, -1..1, (height, width), whose blots are about `cell` pixels large."""
    rows, columns = (max(2, int(side / cell) + 2) for side in shape)
    grid = rng.uniform(-1, 1, (rows, columns)).astype(np.float32)
    return np.asarray(cv2.resize(grid, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC), dtype=np.float64)


def place(camera: Camera, rng: np.random.Generator) -> Picture:
    """The empty gate on a bright day: uint8, (2 HEIGHT, 2 WIDTH, 3), BGR."""
    image = _sky_and_ground(camera, rng)
    canvas = Canvas(
        camera, np.asarray(cv2.resize(image, None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
    )
    _building(canvas)
    _hedge(canvas, rng, x=-7.4, depth=(9.0, 33.0))
    _hedge(canvas, rng, x=6.5, depth=(14.0, 33.0))
    canvas.box((-4.3, 0, 13.2), (-2.9, 0.16, 19.0), (150, 156, 158))
    _booth(canvas)
    return canvas.image


def barrier(canvas: Canvas, raised: float) -> None:
    """The barrier before the car, its arm lowered (0) or upright (1)."""
    post, length, z = (2.15, 0.84), 3.7, BARRIER
    angle = raised * np.pi * 0.47
    along = np.array([-np.cos(angle), np.sin(angle), 0.0])
    across = np.array([np.sin(angle), np.cos(angle), 0.0]) * 0.045
    start = np.array([post[0], post[1], z])
    edges = np.linspace(0.1, length, 10)
    for number, (a, b) in enumerate(pairwise(edges)):
        colour = (52, 48, 200) if number % 2 else (232, 234, 235)
        canvas.fill(
            [
                start + along * a - across,
                start + along * b - across,
                start + along * b + across,
                start + along * a + across,
            ],
            colour,
        )
    canvas.box((2.0, 0, z), (2.36, 0.98, z + 0.35), (70, 150, 215))


def _between(a: Points, b: Points, part: float) -> Points:
    return np.asarray(a + (b - a) * part, dtype=np.float64)


def _clipped(seen: Points) -> Points:
    """The part of a polygon, (n, 3), that lies before the camera (Sutherland and Hodgman's rule for one plane)."""
    kept: list[Points] = []
    for point, following in zip(seen, np.roll(seen, -1, axis=0), strict=True):
        if point[2] >= NEAR:
            kept.append(point)
        if (point[2] >= NEAR) != (following[2] >= NEAR):
            kept.append(_between(point, following, (NEAR - point[2]) / (following[2] - point[2])))
    return np.array(kept)


def _sky_and_ground(camera: Camera, rng: np.random.Generator) -> Picture:
    x, z = camera.ground()
    ahead = np.isfinite(z)
    x, z = np.where(ahead, x, 0), np.where(ahead, z, 1e6)
    shape = (HEIGHT, WIDTH)
    down = np.linspace(0, 1, HEIGHT)[:, None, None]
    clouds = 0.5 * noise(shape, 260, rng) + 0.3 * noise(shape, 110, rng) + 0.15 * noise(shape, 45, rng)
    sky = np.array([214, 178, 140.0]) * (1 - down) + np.array([240, 226, 208.0]) * down
    sky = sky + np.clip(clouds, 0, 1)[:, :, None] * 40
    # Grain of constant size on the ground becomes finer with the distance, as far as pixels can show it.
    near = np.clip(9 / np.maximum(z, 1), 0, 1)
    grain = noise(shape, 2.2, rng) * 9 * near + noise(shape, 7, rng) * 5 * near + noise((HEIGHT, WIDTH), 90, rng) * 5
    stains = np.sin(x * 1.7 + 2 * np.sin(z * 0.23)) * 2.5
    colour = np.array([104, 106, 107.0]) + (grain + stains)[:, :, None]
    worn = np.exp(-(((np.abs(x + 0.45) - 0.75) / 0.28) ** 2)) * 7  # Where all wheels go.
    colour = colour - worn[:, :, None]
    white = ((np.abs(x + 2.55) < 0.06) | ((np.abs(x - 1.6) < 0.06) & (z > 4))) & (np.mod(z, 40) < 38)
    stop = (np.abs(z - 6.5) < 0.15) & (np.abs(x + 0.47) < 2.0)
    colour = np.where((white | stop)[:, :, None], np.array([196, 200, 200.0]) + (grain * 1.5)[:, :, None], colour)
    grass = np.array([62, 98, 84.0]) + (noise(shape, 3, rng) * 16 + noise(shape, 24, rng) * 12)[:, :, None]
    colour = np.where(((x < -4.6) | (x > 3.4))[:, :, None], grass, colour)
    kerb = (np.abs(x + 4.5) < 0.13) | (np.abs(x - 3.3) < 0.13)
    colour = np.where(kerb[:, :, None], np.array([150, 154, 156.0]) + (grain * 1.2)[:, :, None], colour)
    image = np.where((z < 90)[:, :, None], colour, sky)
    return np.asarray(np.clip(image, 0, 255), dtype=np.uint8)


def _building(canvas: Canvas) -> None:
    """Offices behind the car park: two storeys of windows, a dark base and a flat roof."""
    z, left, right = 40.0, -24.0, 18.0
    canvas.blend([(left, 0, z), (right, 0, z), (right, 7.6, z), (left, 7.6, z)], (150, 168, 182), (176, 192, 204))
    canvas.fill([(left, 7.6, z), (right, 7.6, z), (right, 8.0, z), (left, 8.0, z)], (92, 94, 98))
    canvas.fill([(left, 0, z), (right, 0, z), (right, 0.9, z), (left, 0.9, z)], (112, 116, 122))
    for storey in (1.6, 4.8):
        for number, x in enumerate(np.arange(left + 1.0, right - 2.0, 2.7)):
            glass = (150, 134, 112) if (number * 7 + int(storey)) % 5 else (190, 178, 160)
            canvas.fill(
                [(x, storey, z), (x + 1.9, storey, z), (x + 1.9, storey + 1.9, z), (x, storey + 1.9, z)],
                (206, 212, 216),
            )
            canvas.blend(
                [
                    (x + 0.1, storey + 0.1, z),
                    (x + 1.8, storey + 0.1, z),
                    (x + 1.8, storey + 1.8, z),
                    (x + 0.1, storey + 1.8, z),
                ],
                shade(glass, 0.7),
                glass,
                5,
            )


def _hedge(canvas: Canvas, rng: np.random.Generator, x: float, depth: tuple[float, float]) -> None:
    """A hedge along the drive: leaves as blots, from far to near, darker below."""
    for z in np.linspace(depth[1], depth[0], 60):
        for _ in range(26):
            across, up = rng.normal(0, 0.45), rng.uniform(0, 1.5) + rng.normal(0, 0.1)
            size = rng.uniform(0.10, 0.24)
            light = 0.45 + 0.4 * up + rng.uniform(-0.15, 0.15)
            turn = rng.uniform(0, np.pi) + np.arange(5) * 2 * np.pi / 5
            leaf = np.stack(
                [x + across + size * np.cos(turn), np.maximum(0, up + size * np.sin(turn)), np.full(5, z)], axis=1
            )
            canvas.fill(leaf, shade((58, 96, 70), light))


def _booth(canvas: Canvas) -> None:
    """The attendant's booth on its island."""
    low, high = (-4.2, 0.16, 14.0), (-3.1, 2.5, 15.6)
    canvas.box(low, high, (196, 200, 202))
    canvas.fill([(-4.05, 1.05, 13.99), (-3.25, 1.05, 13.99), (-3.25, 2.15, 13.99), (-4.05, 2.15, 13.99)], (92, 84, 74))
    canvas.fill([(-3.09, 1.05, 14.2), (-3.09, 1.05, 15.4), (-3.09, 2.15, 15.4), (-3.09, 2.15, 14.2)], (110, 100, 88))
    canvas.box((-4.4, 2.5, 13.8), (-2.9, 2.66, 15.8), (96, 84, 60))
