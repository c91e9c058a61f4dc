"""Places things in columns by what leads to what, with lanes for wires that pass a column by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A place on the page, in pixels or characters."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.top + self.height

    @property
    def middle(self) -> float:
        """Half its height down."""
        return self.top + self.height / 2

    def moved(self, right: float, down: float) -> Rectangle:
        """The same, elsewhere."""
        return Rectangle(self.left + right, self.top + down, self.width, self.height)


class Layers:
    """Where things stand whose sizes (width, height) and connections are known, left to right from 0, 0."""

    def __init__(
        self,
        sizes: Mapping[str, tuple[float, float]],
        wires: Sequence[tuple[str, str]],
        *,
        across: float,
        down: float,
        lane: float,
        end: str = "",
    ) -> None:
        """Place them `across` and `down` apart; the thing named `end` stands right of all others.

        `lane` is the height of the room for a wire that passes a column by. All measures are in one unit, for example
        pixels or characters.
        """
        self.places: dict[str, Rectangle] = {}
        self.lanes: dict[tuple[str, str], list[Rectangle]] = {}
        """The lanes of each wire that passes columns by, from left to right."""
        depth = depths(sizes, wires)
        depth |= {end: max(depth[name] for name in sizes if name != end) + 1} if end else {}
        known = dict(sizes)
        columns = [[name for name in sizes if depth[name] == level] for level in range(max(depth.values()) + 1)]
        before: dict[str, list[str]] = {name: [] for name in sizes}
        passing: dict[tuple[str, str], list[str]] = {}
        for source, target in dict.fromkeys(wires):
            lanes = [f"{source} > {target} {level}" for level in range(depth[source] + 1, depth[target])]
            for level, name in enumerate(lanes, depth[source] + 1):
                columns[level].append(name)
                known[name] = (0.0, lane)
            for first, second in zip([source, *lanes], [*lanes, target], strict=True):
                before.setdefault(second, []).append(first)
            passing[source, target] = lanes
        left = 0.0
        for column in columns:
            width = max(known[name][0] for name in column)
            self._stack(column, known, before, left, width, down)
            left += width + across
        for wire, lanes in passing.items():
            self.lanes[wire] = [self.places.pop(each) for each in lanes]

    def _stack(
        self,
        column: list[str],
        sizes: Mapping[str, tuple[float, float]],
        before: Mapping[str, list[str]],
        left: float,
        width: float,
        down: float,
    ) -> None:
        """Puts one column below one another, each thing as near as can be to the height of what leads to it."""

        def wanted(name: str) -> float:
            heights = [self.places[each].middle for each in before.get(name, ()) if each in self.places]
            return sum(heights) / len(heights) if heights else 0.0

        top = 0.0
        for name in sorted(column, key=wanted):
            own, height = sizes[name]
            self.places[name] = Rectangle(left, top, own or width, height)  # A lane is as wide as its column.
            top += height + down


def depths(names: Iterable[str], wires: Iterable[tuple[str, str]]) -> dict[str, int]:
    """How many steps each name is from a beginning, by the longest way; `names` come after what leads to them."""
    before: dict[str, list[str]] = {}
    for source, target in wires:
        before.setdefault(target, []).append(source)
    found: dict[str, int] = {}
    for name in names:
        found[name] = max((found[source] for source in before.get(name, ())), default=-1) + 1
    return found
