"""How far apart two plate texts are, and which characters of them belong together; look-alikes are near."""

from __future__ import annotations

from flowalpr.plates.alphabet import UNALIKE, alike


def distance(one: str, other: str) -> float:
    """The least cost of turning one text into the other; 0 if they are equal.

    A look-alike costs what `alphabet.alike` says (0.1 for 0 and O), any other change, a missing or an added
    character 1. So 0.5 is "one or two look-alikes", and below 1 no two texts of different length come together.
    """
    return 0.0 if one == other else _costs(one, other)[-1][-1]


def align(one: str, other: str) -> list[tuple[int | None, int | None]]:
    """Which character of one text belongs to which of the other, as pairs of indexes; None where one has no partner."""
    costs = _costs(one, other)
    row, column = len(one), len(other)
    pairs: list[tuple[int | None, int | None]] = []
    while row or column:
        here = costs[row][column]
        # A pair is preferred to a gap of the same cost, so that the result does not depend on the way of searching.
        if row and column and here == costs[row - 1][column - 1] + alike(one[row - 1], other[column - 1]):
            row, column = row - 1, column - 1
            pairs.append((row, column))
        elif row and here == costs[row - 1][column] + UNALIKE:
            row -= 1
            pairs.append((row, None))
        else:
            column -= 1
            pairs.append((None, column))
    return pairs[::-1]


def _costs(one: str, other: str) -> list[list[float]]:
    """The least cost from each beginning of one text to each beginning of the other (Wagner and Fischer, 1974)."""
    table = [[index * UNALIKE for index in range(len(other) + 1)]]
    for row, mine in enumerate(one):
        above = table[-1]
        line = [(row + 1) * UNALIKE]
        for column, theirs in enumerate(other):
            line.append(
                min(above[column] + alike(mine, theirs), above[column + 1] + UNALIKE, line[column] + UNALIKE),
            )
        table.append(line)
    return table
