"""Normal form and look-alikes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowalpr.plates import alike, normal
from flowalpr.plates.alphabet import ALIKE, DIGITS, LETTERS, shape


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("ks15 abc", "KS15ABC"),
        ("30A-123.45", "30A12345"),
        ("WOB·AB 123", "WOBAB123"),
        ("rüd ab 123", "RÜDAB123"),
        ("А123АВ 777", "A123AB777"),  # Cyrillic
        ("ΖΜΗ-1234", "ZMH1234"),  # Greek
        ("京A·12345", "京A12345"),
        ("12하3456", "12하3456"),
        ("ＡＢ１２", "AB12"),
        ("٥٤٩٣", "5493"),
        (" --.. ", ""),
    ],
)
def test_normal_form_keeps_letters_and_digits_only(written: str, plain: str) -> None:
    assert normal(written) == plain


@given(st.text(max_size=20))
def test_normal_form_of_a_normal_form_is_itself(text: str) -> None:
    assert normal(normal(text)) == normal(text)


@given(st.text(LETTERS + DIGITS, max_size=12))
def test_a_latin_plate_is_its_own_normal_form(text: str) -> None:
    assert normal(text) == text
    assert shape(text) == "".join("L" if each in LETTERS else "D" for each in text)


def test_likeness_is_the_same_either_way_round() -> None:
    for one in LETTERS + DIGITS:
        assert alike(one, one) == 0
        for other in LETTERS + DIGITS:
            assert alike(one, other) == alike(other, one)
            assert one == other or 0 < alike(one, other) <= 1


def test_the_likest_come_first_and_nothing_looks_like_itself() -> None:
    assert next(iter(ALIKE["0"])) == "O"
    for each, others in ALIKE.items():
        assert each not in others
        assert list(others.values()) == sorted(others.values())
