"""Where a plate is and will be: Kalman filters of constant velocity, in seconds, since live cameras drop frames.

Points of a picture are complex numbers, x + yi. A filter treats both axes alike, so one does for the two of them and
needs no matrices; a second one does for a plate's size, width + height i.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from flowalpr import Box

# All lengths below are in heights of the plate, 0.11 m for a car's in Europe. Set by hand on the scenes of
# tests/builtin/test_track.py and the clips; half and double of each give the same tracks there.
JITTER = 0.1
"""By how much a detector errs about a plate's place and size."""
ACCELERATION = 40.0
"""Of a plate in the picture, a second and second: 3 m/s2 of a car that brakes, and its coming nearer."""
SPEED = 20.0
"""Of a plate seen for the first time, a second: 8 km/h across the picture, three times that now and then."""
RESIZING = 0.3
"""How much less a plate's size changes than its place."""
FURTHEST = 8.0
"""A plate is never taken for one that lies further away, whatever its motion."""


@dataclass(slots=True)
class Estimate:
    """What is known of a point that moves, and how surely: of each axis by its variance, in squares of pixels."""

    place: complex
    place_var: float
    speed_var: float
    speed: complex = 0j
    covariance: float = 0.0

    def predict(self, passed: float, pushed: float) -> None:
        """Moves it on by so many seconds, in which its speed may change by `pushed` (a variance)."""
        self.place += passed * self.speed
        self.place_var += passed * (2 * self.covariance + passed * (self.speed_var + pushed / 4))
        self.covariance += passed * (self.speed_var + pushed / 2)
        self.speed_var += pushed

    def correct(self, measured: complex, error: float) -> None:
        """Moves it towards where it was seen with that error (a variance): the further, the less was known of it."""
        total = self.place_var + error
        place_gain, speed_gain, off = self.place_var / total, self.covariance / total, measured - self.place
        self.place += place_gain * off
        self.speed += speed_gain * off
        self.speed_var -= speed_gain * self.covariance
        self.covariance -= place_gain * self.covariance
        self.place_var -= place_gain * self.place_var


class Motion:
    """Where a plate is and how it moves."""

    __slots__ = ("middle", "size")

    def __init__(self, box: Box) -> None:
        """As of a plate that is seen for the first time, in this box."""
        middle, size = middle_and_size(box)
        jitter, speed = (JITTER * size.imag) ** 2, (SPEED * size.imag) ** 2
        self.middle = Estimate(middle, jitter, speed)
        self.size = Estimate(size, jitter * RESIZING**2, speed * RESIZING**2)

    def predict(self, passed: float) -> None:
        """Moves the plate on by so many seconds."""
        pushed = (ACCELERATION * passed * self.size.place.imag) ** 2
        self.middle.predict(passed, pushed)
        self.size.predict(passed, pushed * RESIZING**2)
        self.size.place = _at_least_a_pixel(self.size.place)

    def correct(self, box: Box) -> None:
        """Moves the plate towards the box in which it was seen."""
        middle, size = middle_and_size(box)
        error = (JITTER * size.imag) ** 2
        self.middle.correct(middle, error)
        self.size.correct(size, error)

    @property
    def reach(self) -> float:
        """How far from where it is expected the plate may be."""
        size = self.size.place
        return max(min(size.real / 2 + 3 * sqrt(self.middle.place_var), FURTHEST * size.imag), 1.0)

    @property
    def box(self) -> Box:
        """Where the plate is."""
        first, last = self.middle.place - self.size.place / 2, self.middle.place + self.size.place / 2
        return Box(first.real, first.imag, last.real, last.imag)


def middle_and_size(box: Box) -> tuple[complex, complex]:
    """The middle of a box as x + yi, and its width + height i, each a pixel at least."""
    left, top, right, bottom = box
    return complex(left + right, top + bottom) / 2, _at_least_a_pixel(complex(right - left, bottom - top))


def _at_least_a_pixel(size: complex) -> complex:
    return size if size.real >= 1 and size.imag >= 1 else complex(max(size.real, 1), max(size.imag, 1))
