"""Cars for the sample clip, seen from before or behind: shaped like a car, of no make."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from flowalpr.lab.datasets.synthetic import signs
from flowalpr.lab.datasets.synthetic.gate import Canvas, Colour, Picture, Points, mixed, shade
from flowalpr.lab.datasets.synthetic.signs import Sign

RUBBER, TRIM, GLASS, CHROME = (24, 23, 22), (38, 37, 36), (66, 58, 48), (186, 184, 180)


class Car(NamedTuple):
    """One car; the sizes multiply those of a hatchback of 1.46 m height."""

    paint: Colour
    sign: Sign
    tall: float = 1.0
    x: float = -0.45
    """Metres from the camera's foot to the middle of the lane."""
    rear: bool = False
    """Whether it shows its back."""
    lit: bool = False
    """Whether its lamps are on."""

    plate: Picture | None = None
    """Its plate as `painted` drew it."""

    def painted(self, fonts: Path) -> Car:
        """The car with its plate drawn, once for all pictures of it."""
        return self._replace(plate=signs.draw(self.sign, fonts))

    def lamps(self, z: float) -> Points:
        """Where the middles of its head lamps are while its front is at `z`: (2, 3)."""
        return np.array([(self.x + side * 0.66, 0.665 * self.tall, z - 0.01) for side in (-1, 1)])

    def plate_corners(self, z: float) -> Points:
        """Where the plate is while the car's front is at `z`: (4, 3), clockwise from left top as it is seen."""
        wide, high = (side / 1000 for side in self.sign.size)
        middle = (0.86 if self.rear else 0.45) * self.tall
        depth = z - 0.015
        return np.array(
            [
                (self.x + side * wide / 2, middle + up * high / 2, depth)
                for side, up in ((-1, 1), (1, 1), (1, -1), (-1, -1))
            ]
        )


def draw(canvas: Canvas, car: Car, z: float) -> None:
    """Paint the car with its front at `z`."""
    pen = _Pen(canvas, car, z)
    pen.shadow()
    pen.wheels()
    pen.cabin()
    pen.sides()
    if car.rear:
        pen.back()
    else:
        pen.bonnet()
        pen.front()
    pen.plate()


class _Pen:
    """Paints in the car's own measures: x from its middle, y from the ground, z from its front."""

    def __init__(self, canvas: Canvas, car: Car, z: float) -> None:
        self.canvas, self.car, self.z = canvas, car, z
        self.paint = car.paint

    def at(self, points: list[tuple[float, float, float]]) -> NDArray[np.float64]:
        return np.array([(self.car.x + x, y * self.car.tall, self.z + z) for x, y, z in points])

    def fill(self, points: list[tuple[float, float, float]], colour: Colour) -> None:
        self.canvas.fill(self.at(points), colour)

    def blend(self, points: list[tuple[float, float, float]], first: Colour, last: Colour, steps: int = 12) -> None:
        self.canvas.blend(self.at(points), first, last, steps)

    def both(self, points: list[tuple[float, float, float]], colour: Colour) -> None:
        """The same on either side."""
        self.fill(points, colour)
        self.fill([(-x, y, z) for x, y, z in points], colour)

    def flank(self, points: list[tuple[float, float, float]], colour: Colour) -> None:
        """The same on that side which the camera sees."""
        side = 1 if self.canvas.camera.x > self.car.x else -1
        self.fill([(side * x, y, z) for x, y, z in points], colour)

    def panel(self, low: tuple[float, float], high: tuple[float, float], z: float, first: Colour, last: Colour) -> None:
        """An upright panel across the car: half width and height of its lower and of its upper edge."""
        (wide, y), (upper_wide, upper) = low, high
        self.blend([(-wide, y, z), (wide, y, z), (upper_wide, upper, z), (-upper_wide, upper, z)], first, last)

    def shadow(self) -> None:
        for grown, dark in ((0.22, 74), (0.1, 52), (0.0, 36)):
            wide, start, end = 0.84 + grown, 0.1 - grown, 4.0 + grown
            self.fill([(-wide, 0, start), (wide, 0, start), (wide, 0, end), (-wide, 0, end)], (dark, dark, dark))

    def wheels(self) -> None:
        for side in (-1, 1):
            for depth in (3.2, 0.75):
                inner, outer = 0.58 * side, 0.83 * side
                tread = [
                    (inner, 0.0, depth - 0.12),
                    (outer, 0.0, depth - 0.12),
                    (outer, 0.5, depth - 0.28),
                    (inner, 0.5, depth - 0.28),
                ]
                self.fill(tread, RUBBER)

    def cabin(self) -> None:
        """Roof, screen, pillars and side windows."""
        p = self.paint
        front, back = (0.0, 3.9) if self.car.rear else (1.05, 3.9)
        top = 0.45 if self.car.rear else 1.78
        self.flank([(0.78, 0.95, front), (0.58, 1.42, top), (0.56, 1.44, 3.2), (0.78, 0.95, back)], shade(p, 0.62))
        self.flank(
            [(0.79, 0.99, front + 0.35), (0.615, 1.36, top + 0.12), (0.60, 1.37, 3.0), (0.785, 0.99, 3.4)], (52, 46, 40)
        )
        self.blend(
            [(-0.58, 1.41, top), (0.58, 1.41, top), (0.55, 1.46, 3.0), (-0.55, 1.46, 3.0)],
            shade(p, 1.18),
            shade(p, 0.9),
        )
        self.blend(
            [(-0.78, 0.96, front), (0.78, 0.96, front), (0.58, 1.42, top), (-0.58, 1.42, top)],
            shade(p, 0.74),
            shade(p, 0.95),
        )
        glass = [(-0.71, 0.99, front), (0.71, 0.99, front), (0.53, 1.39, top - 0.05), (-0.53, 1.39, top - 0.05)]
        self.blend(glass, shade(GLASS, 0.55), shade(GLASS, 1.7), 16)
        for x in (-0.36, 0.36):  # The seats behind the screen.
            self.fill(
                [
                    (x - 0.13, 1.0, front),
                    (x + 0.13, 1.0, front),
                    (x + 0.10, 1.24, top - 0.3),
                    (x - 0.10, 1.24, top - 0.3),
                ],
                (40, 36, 32),
            )
        self.blend(
            [(0.18, 0.995, front), (0.48, 0.995, front), (0.30, 1.385, top - 0.05), (0.06, 1.385, top - 0.05)],
            (84, 76, 66),
            (150, 142, 130),
            10,
        )
        if not self.car.rear:
            self.both([(0.82, 0.98, 1.3), (1.0, 0.98, 1.3), (1.0, 1.12, 1.34), (0.82, 1.10, 1.34)], shade(p, 0.8))

    def sides(self) -> None:
        p = self.paint
        self.flank(
            [(0.86, 0.24, 0.35), (0.86, 0.80, 0.30), (0.84, 0.96, 1.1), (0.84, 0.96, 3.9), (0.86, 0.24, 3.9)],
            shade(p, 0.66),
        )
        corner = [(0.78, 0.24, 0.05), (0.84, 0.50, 0.0), (0.78, 0.78, 0.10), (0.86, 0.84, 0.40), (0.86, 0.24, 0.40)]
        self.both(corner, shade(p, 0.82))

    def bonnet(self) -> None:
        p = self.paint
        self.blend(
            [(-0.76, 0.79, 0.1), (0.76, 0.79, 0.1), (0.80, 0.97, 1.08), (-0.80, 0.97, 1.08)],
            shade(p, 1.02),
            shade(p, 1.38),
            20,
        )
        self.both([(0.76, 0.79, 0.1), (0.86, 0.84, 0.40), (0.84, 0.96, 1.1), (0.80, 0.97, 1.08)], shade(p, 0.9))
        for side in (-1, 1):
            self.fill(
                [
                    (side * 0.44, 0.80, 0.12),
                    (side * 0.46, 0.80, 0.12),
                    (side * 0.60, 0.97, 1.05),
                    (side * 0.58, 0.97, 1.05),
                ],
                shade(p, 0.88),
            )
        self.fill([(-0.70, 0.975, 1.04), (0.70, 0.975, 1.04), (0.72, 1.0, 1.1), (-0.72, 1.0, 1.1)], TRIM)

    def front(self) -> None:
        p = self.paint
        self.panel((0.76, 0.22), (0.84, 0.50), 0.02, shade(p, 0.5), shade(p, 0.92))
        self.panel((0.84, 0.50), (0.76, 0.80), 0.04, shade(p, 0.92), shade(p, 1.05))
        self.panel((0.52, 0.24), (0.58, 0.37), 0.0, (20, 20, 20), (34, 34, 34))
        for side in (-1, 1):
            fog = [
                (side * 0.62, 0.27, 0.0),
                (side * 0.76, 0.29, 0.0),
                (side * 0.78, 0.38, 0.0),
                (side * 0.62, 0.36, 0.0),
            ]
            self.fill(fog, (30, 30, 30))
        self.panel((0.40, 0.55), (0.46, 0.72), 0.0, (22, 22, 22), (40, 40, 40))
        for y in (0.59, 0.635, 0.68):
            self.panel(
                (0.40 + (y - 0.55) * 0.3, y), (0.405 + (y - 0.55) * 0.3, y + 0.012), -0.005, CHROME, shade(CHROME, 0.8)
            )
        self._disc(0.0, 0.75, 0.055, CHROME)
        self._disc(0.0, 0.75, 0.038, shade(CHROME, 0.6))
        for side in (-1, 1):
            lamp = [
                (side * 0.48, 0.585, 0.0),
                (side * 0.79, 0.62, 0.03),
                (side * 0.79, 0.745, 0.08),
                (side * 0.55, 0.725, 0.03),
            ]
            self.fill(lamp, (70, 70, 72))
            shine = (252, 255, 255) if self.car.lit else (205, 206, 208)
            self._disc(side * 0.66, 0.665, 0.052, shade(shine, 0.85))
            self._disc(side * 0.66, 0.665, 0.036, shine)
            self.fill(
                [
                    (side * 0.53, 0.60, -0.01),
                    (side * 0.60, 0.61, -0.01),
                    (side * 0.62, 0.715, 0.0),
                    (side * 0.56, 0.715, 0.0),
                ],
                mixed(shine, (120, 120, 120), 0.4),
            )

    def back(self) -> None:
        p = self.paint
        self.panel((0.78, 0.22), (0.85, 0.48), 0.02, shade(p, 0.5), shade(p, 0.85))
        self.panel((0.85, 0.48), (0.84, 0.58), 0.0, shade(p, 0.98), shade(p, 1.05))
        self.panel((0.84, 0.58), (0.78, 0.98), 0.02, shade(p, 0.78), shade(p, 1.0))
        self.panel((0.60, 0.23), (0.64, 0.34), 0.0, (26, 26, 26), (36, 36, 36))
        self.panel((0.36, 0.76), (0.36, 0.955), 0.01, shade(p, 0.55), shade(p, 0.7))
        red = (60, 50, 235) if self.car.lit else (40, 34, 160)
        for side in (-1, 1):
            self.fill(
                [
                    (side * 0.50, 0.72, 0.0),
                    (side * 0.84, 0.70, 0.0),
                    (side * 0.80, 0.95, 0.0),
                    (side * 0.52, 0.93, 0.0),
                ],
                red,
            )
            self.fill(
                [
                    (side * 0.56, 0.77, -0.005),
                    (side * 0.76, 0.76, -0.005),
                    (side * 0.75, 0.82, -0.005),
                    (side * 0.56, 0.82, -0.005),
                ],
                (150, 150, 215),
            )

    def plate(self) -> None:
        corners = self.car.plate_corners(self.z)
        grown = corners + (corners - corners.mean(axis=0)) * [0.045, 0.16, 0] + [0, 0, 0.005]
        self.canvas.fill(grown, (26, 26, 26))
        if self.car.plate is not None:
            self.canvas.paste(self.car.plate, corners)

    def _disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        turn = np.arange(20) * np.pi / 10
        self.fill([(x + radius * np.cos(a), y + radius / self.car.tall * np.sin(a), -0.01) for a in turn], colour)
