"""Plates found by texts that are near them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowalpr.plates import Nearby, distance

TEXTS = st.text("0OQD1I2Z8B3M京", max_size=5)


@given(st.lists(TEXTS, max_size=30), TEXTS, st.sampled_from([0.0, 0.1, 0.3, 0.6, 0.9, 1.0, 1.5]))
def test_a_search_finds_what_looking_at_all_would_find(texts: list[str], wanted: str, within: float) -> None:
    plates: Nearby[int] = Nearby(within)
    for number, text in enumerate(texts):
        plates.add(text, number)
    near = {number for number, text in enumerate(texts) if distance(wanted, text) <= within + 1e-6}
    found = plates.find(wanted)
    assert {each.item for each in found} == near
    assert [each.distance for each in found] == sorted(each.distance for each in found)
    assert len(plates) == len(texts)


def test_three_look_alikes_of_a_tenth_are_three_tenths_away() -> None:
    plates: Nearby[str] = Nearby(0.3)
    plates.add("000", "nulls")
    assert [each.item for each in plates.find("OOO")] == ["nulls"]


def test_what_was_removed_is_not_found() -> None:
    plates: Nearby[int] = Nearby(0.2)
    plates.add("B0", 1)
    plates.add("80", 2)
    plates.remove("B0", 1)
    assert [each.item for each in plates.find("BO")] == [2] * (distance("BO", "80") <= 0.2)
    assert [each.item for each in plates.find("80")] == [2]
    with pytest.raises((ValueError, KeyError)):
        plates.remove("B0", 1)
