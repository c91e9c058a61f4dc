"""Distance and alignment of two plate texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowalpr.plates import align, alike, distance

PLATES = st.text("ABO018SZ25京", max_size=9)


@pytest.mark.parametrize(
    ("one", "other", "cost"),
    [("KS15ABC", "KS15ABC", 0), ("KSI5ABC", "KS15ABC", 0.1), ("KS15AB", "KS15ABC", 1), ("X", "7", 1), ("", "AB", 2)],
)
def test_look_alikes_are_near_and_missing_characters_far(one: str, other: str, cost: float) -> None:
    assert distance(one, other) == pytest.approx(cost)


@given(PLATES, PLATES, PLATES)
def test_distance_is_symmetric_and_zero_for_equal_texts_only(one: str, other: str, third: str) -> None:
    assert distance(one, other) == pytest.approx(distance(other, one))
    assert (distance(one, other) == 0) == (one == other)
    assert distance(one, other) <= max(len(one), len(other))


@given(PLATES, PLATES)
def test_an_alignment_holds_every_character_once_and_costs_the_distance(one: str, other: str) -> None:
    pairs = align(one, other)
    assert [mine for mine, _ in pairs if mine is not None] == list(range(len(one)))
    assert [theirs for _, theirs in pairs if theirs is not None] == list(range(len(other)))
    cost = sum(1.0 if mine is None or theirs is None else alike(one[mine], other[theirs]) for mine, theirs in pairs)
    assert cost == pytest.approx(distance(one, other))
