"""Parts of a camera's picture as polygons: the settings that nodes share, and what lies inside."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from flowalpr import Frame, Node

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Point = tuple[Annotated[float, Field(ge=0, le=100_000)], Annotated[float, Field(ge=0, le=100_000)]]


def _sound(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """The points, if they go once around something.

    Raises:
        ValueError: they are few, mix shares with pixels, lie on one line, or their sides cross.
    """
    if not 3 <= len(points) <= 100:
        raise ValueError(f"a polygon has 3 to 100 points, and this has {len(points)}")
    values = [value for point in points for value in point]
    if max(values) > 1 and any(0 < value < 1 for value in values):
        raise ValueError(
            "a polygon is either in shares of the picture, none above 1, or in pixels; this one mixes both"
        )
    sides = list(pairwise([*points, points[0]]))
    if any(_cross(*one, *other) for one, other in combinations(sides, 2)):
        raise ValueError("the polygon's sides cross: give its corners in the order in which one would walk around it")
    if abs(sum(x * v - u * y for (x, y), (u, v) in sides)) < 1e-9:
        raise ValueError("the polygon encloses nothing: its points lie on one line")
    return points


def _several(given: object) -> object:
    """A list of polygons, also from one polygon."""
    is_one = isinstance(given, (list, tuple)) and given and isinstance(given[0], (list, tuple)) and given[0]
    return [given] if is_one and isinstance(given[0][0], (int, float)) else given  # type: ignore[index]  # is_one


Polygon = Annotated[tuple[Point, ...], AfterValidator(_sound)]
Polygons = Annotated[tuple[Polygon, ...], BeforeValidator(_several)]
"""One polygon as a list of points x, y, or a list of several."""


class AreaNode(Node):
    """The settings of nodes that look at a part of the picture."""

    inside: Polygons = ()
    """What counts: a polygon as a list of points `[[x, y], ...]`, or a list of several; without any, all that is not
    outside. In pixels of the camera's picture or, if no number is above 1, in shares of that."""
    outside: Polygons = ()
    """What does not count, even where it lies inside; as above."""

    def has_point(self, frame: Frame, x: float, y: float) -> bool:
        """Whether a point of the camera's picture, in pixels, counts."""
        if any(_holds(in_pixels(polygon, frame), x, y) for polygon in self.outside):
            return False
        return not self.inside or any(_holds(in_pixels(polygon, frame), x, y) for polygon in self.inside)


def in_pixels(polygon: Iterable[tuple[float, float]], frame: Frame) -> NDArray[np.float32]:
    """The points in pixels of the camera's picture: float32, (n, 2), x and y."""
    import numpy as np

    points = np.array(list(polygon), np.float32)
    return points if points.max() > 1 else np.asarray(points * frame.size, np.float32)


def _holds(points: NDArray[np.float32], x: float, y: float) -> bool:
    """Whether a point lies in a polygon or on its edge."""
    import cv2

    return cv2.pointPolygonTest(points.reshape(-1, 1, 2), (float(x), float(y)), False) >= 0


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether two sides have a point in common that is an end of neither."""
    return _turn(a, b, c) * _turn(a, b, d) < 0 and _turn(c, d, a) * _turn(c, d, b) < 0


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
