"""Many reads of one plate make one text, better than each."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowalpr.plates import Fusion
from flowalpr.plates.fusing import MOST_TEXTS, Fused

texts = st.text("ABO018", min_size=1, max_size=8)
reads = st.lists(st.tuples(texts, st.floats(0, 1), st.floats(0.05, 1)), min_size=1, max_size=8)


def fused(*said: tuple[str, float]) -> Fused:
    fusion = Fusion()
    for text, sure in said:
        fusion.add(text, [sure] * len(text))
    return fusion.fused()


def test_one_read_keeps_its_text_and_its_confidences() -> None:
    fusion = Fusion()
    fusion.add("AB1", [0.9, 0.5, 0.8], weight=0.3)
    assert fusion.fused().text == "AB1"
    assert fusion.fused().confidences == pytest.approx((0.9, 0.5, 0.8))
    assert fusion.fused().confidence == pytest.approx(0.9 * 0.5 * 0.8)


def test_a_text_that_nobody_read_is_right_where_each_read_errs_elsewhere() -> None:
    assert fused(("A8123", 0.9), ("AB12Z", 0.9), ("4B123", 0.7)).text == "AB123"


def test_a_character_that_few_saw_or_missed_counts_as_little() -> None:
    assert fused(("B123", 0.9), ("AB123", 0.9), ("AB123", 0.7), ("AB1123", 0.5)).text == "AB123"
    assert fused(("AB123", 0.9), ("AB123", 0.9), ("XAB123", 0.6)).text == "AB123"


def test_half_a_plate_says_little_of_its_other_half() -> None:
    assert fused(("A77", 0.97), ("A77", 0.97), ("A77MDC", 0.9), ("A77MOC", 0.95)).text == "A77MOC"
    assert fused(*[("432", 0.9)] * 4, *[("ABC432", 0.95)] * 2).text == "ABC432"
    assert fused(*[("A77", 0.97)] * 3, ("A77II", 0.4)).text == "A77", "what hardly anybody saw is not there"


def test_a_text_is_a_part_where_another_says_it_and_more() -> None:
    fusion = Fusion()
    for text in ("A77", "A77MOC", "A77MO"):
        fusion.add(text, [0.9] * len(text))
    assert fusion.is_part("A77")
    assert fusion.is_part("MOC")
    assert not any(fusion.is_part(each) for each in ("A77MO", "A77MOC", "B77"))


def test_agreement_makes_sure_and_dispute_unsure() -> None:
    alone, together = fused(("AB123", 0.9)), fused(*[("AB123", 0.9)] * 4)
    disputed = fused(("AB123", 0.9), ("AB123", 0.9), ("AB723", 0.9))
    assert alone.confidence < together.confidence < 1
    assert disputed.confidence < together.confidence
    assert min(disputed.confidences) == disputed.confidences[2]


def test_a_clear_read_outweighs_two_of_a_plate_hardly_to_be_seen() -> None:
    fusion = Fusion()
    fusion.add("AB123", [0.9] * 5, weight=1.0)
    for _ in range(2):
        fusion.add("A8123", [0.9] * 5, weight=0.1)
    assert fusion.fused().text == "AB123"


def test_agreement_does_not_change_what_the_reader_said_of_a_character() -> None:
    assert fused(*[("AB123", 0.9)] * 9).said == pytest.approx((0.9,) * 5)


def test_look_alikes_get_what_a_reader_doubts() -> None:
    likely, unlikely = fused(("AB1", 0.6), ("A81", 0.6)), fused(("AB1", 0.6), ("AX1", 0.6))
    assert likely.confidences[0] == pytest.approx(unlikely.confidences[0])
    assert likely.confidences[1] > unlikely.confidences[1]


def test_texts_are_counted() -> None:
    fusion = Fusion()
    for text in ("AB1", "AB1", "A81"):
        fusion.add(text, [0.9] * 3)
    assert fusion.texts() == [("AB1", 2), ("A81", 1)]
    assert (fusion.count("AB1"), fusion.count("ZZ9")) == (2, 0)


def test_nothing_read_is_an_empty_text() -> None:
    fusion = Fusion()
    fusion.add("", [])
    assert fusion.fused() == ("", (), (), 0.0)


def test_confidences_must_fit_the_text() -> None:
    with pytest.raises(ValueError, match="2 confidences for 3 characters"):
        Fusion().add("AB1", [0.9, 0.9])


def test_memory_is_bounded_and_keeps_what_weighs() -> None:
    fusion = Fusion()
    for _ in range(3):
        fusion.add("AB123", [0.9] * 5)
    for number in range(500):
        fusion.add(f"X{number:04}", [0.9] * 5, weight=0.5)
    assert len(fusion.texts()) == MOST_TEXTS
    assert fusion.texts()[0] == ("AB123", 3)


@given(reads)
def test_confidences_are_shares_one_a_character(said: list[tuple[str, float, float]]) -> None:
    fusion = Fusion()
    for text, sure, weight in said:
        fusion.add(text, [sure] * len(text), weight)
    result = fusion.fused()
    assert len(result.text) == len(result.confidences) == len(result.said)
    assert all(0 <= each <= 1 for each in (*result.confidences, *result.said, result.confidence))


@given(reads, st.randoms(use_true_random=False))
def test_the_scale_of_the_weights_means_nothing(said: list[tuple[str, float, float]], chance: random.Random) -> None:
    one, other = Fusion(), Fusion()
    scale = chance.uniform(0.1, 10)
    for text, sure, weight in said:
        one.add(text, [sure] * len(text), weight)
        other.add(text, [sure] * len(text), weight * scale)
    assert other.fused().confidence == pytest.approx(one.fused().confidence, rel=1e-6)
