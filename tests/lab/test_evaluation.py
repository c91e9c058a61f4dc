"""Figures of evaluation against figures worked out by hand, and laws that they keep."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowalpr.lab.datasets.sample import Corners, Plate, Sample
from flowalpr.lab.evaluation import detection, reading
from flowalpr.lab.evaluation.detection import Findings
from flowalpr.lab.evaluation.end_to_end import Read, judge
from flowalpr.lab.evaluation.outcome import Outcome, Subject, grouped, width_band
from flowalpr.lab.evaluation.rate import Comparison, Rate, compare


def boxes(*rows: tuple[float, float, float, float]) -> npt.NDArray[np.float32]:
    return np.array(rows, np.float32).reshape(-1, 4)


def outcome(truth: str, read: str | None, confidence: float = 0.9, **label: object) -> Outcome:
    plate = Plate.model_validate({"box": (0, 0, 80, 20), "text": truth, **label})
    return Outcome(Subject("set", Sample(file="1.jpg", width=200, height=100, plates=(plate,)), 0), read, confidence)


@settings(deadline=None)  # A busy machine is no fault of the code.
@given(st.integers(0, 500), st.integers(0, 500))
def test_an_interval_holds_its_share_and_stays_within_0_and_1(hits: int, misses: int) -> None:
    rate = Rate(hits, hits + misses)
    low, high = rate.interval
    assert 0 <= low <= high <= 1
    if rate.count:
        assert low <= rate.value <= high


def test_the_interval_is_that_of_wilsons_paper() -> None:
    low, high = Rate(81, 263).interval  # Example of Newcombe, Statistics in Medicine 17 (1998), table I.
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert str(Rate(0, 0)) == "-"


def test_mcnemar_counts_only_plates_on_which_the_models_differ() -> None:
    result = compare([True] * 90 + [True] * 1 + [False] * 9, [True] * 90 + [False] * 1 + [True] * 9)
    assert result == Comparison(both=90, only_first=1, only_second=9, neither=0)
    assert result.chance == pytest.approx(2 * 11 / 2**10)
    assert "second is better" in result.says
    assert compare([True, False], [True, False]).chance == 1.0


def test_average_precision_of_a_perfect_detector_is_1_and_of_a_blind_one_0() -> None:
    truth = boxes((10, 10, 70, 30), (100, 40, 260, 90))
    perfect = detection.score([Findings("d", "1", truth, truth, np.array([0.9, 0.8], np.float32))], 0.5)
    assert perfect.ap50 == perfect.ap50_95 == 1
    assert perfect.ap50_by_size == {
        "small": pytest.approx(float("nan"), nan_ok=True),
        "medium": 1,
        "large": pytest.approx(float("nan"), nan_ok=True),
    }
    blind = detection.score([Findings("d", "1", truth, boxes(), np.zeros(0, np.float32))], 0.5)
    assert blind.ap50 == 0
    assert (blind.recall, blind.precision) == (Rate(0, 2), Rate(0, 0))


def test_precision_and_recall_are_those_at_the_working_point() -> None:
    truth = boxes((10, 10, 70, 30), (100, 40, 160, 60))
    found = boxes((11, 10, 70, 30), (12, 10, 71, 31), (300, 0, 360, 20), (100, 40, 160, 60))
    scores = np.array([0.9, 0.8, 0.7, 0.3], np.float32)
    at = detection.score([Findings("d", "1", truth, found, scores)], 0.5)
    assert at.precision == Rate(1, 3), "the second box on one plate and the one beside are false"
    assert at.recall == Rate(1, 2)
    assert detection.score([Findings("d", "1", truth, found, scores)], 0.2).recall == Rate(2, 2)


def test_pictures_without_plates_and_no_pictures_at_all_are_scored() -> None:
    nothing = detection.score([Findings("d", "1", boxes(), boxes((0, 0, 9, 9)), np.array([0.9], np.float32))], 0.5)
    assert math.isnan(nothing.ap50)
    assert nothing.precision == Rate(0, 1)
    assert detection.score([], 0.5).pictures == 0


def test_o_and_i_count_as_0_and_1_only_when_merged() -> None:
    assert outcome("AB0I", "AB0I").exact
    assert not outcome("AB0I", "ABO1").exact
    assert outcome("AB0I", "ABO1").merged
    assert not outcome("AB0I", None).merged


def test_reading_figures_match_those_worked_out_by_hand() -> None:
    score = reading.score(
        [
            outcome("ABCD", "ABCD", 0.99),
            outcome("ABCD", "ABXD", 0.6),
            outcome("ABCD", None),
            outcome("AB0D", "ABOD", 0.8),
        ]
    )
    assert (score.exact, score.merged, score.found) == (Rate(1, 4), Rate(2, 4), Rate(3, 4))
    assert score.characters == 1 - (1 + 4 + 1) / 16
    assert set(score.confusions) == {("C", "X", 1), ("0", "O", 1)}
    assert {(each.low, each.right) for each in score.calibration} == {
        (0.5, Rate(0, 1)),
        (0.8, Rate(0, 1)),
        (0.99, Rate(1, 1)),
    }
    assert score.calibration_error == pytest.approx((0.6 + 0.8 + 0.01) / 3)
    assert {t: (right, kept) for t, right, kept in score.thresholds}[0.8] == (Rate(1, 2), Rate(2, 4))


@settings(deadline=None)  # A busy machine is no fault of the code.
@given(
    st.lists(
        st.tuples(st.text("ABC01", min_size=1, max_size=6), st.none() | st.text("ABC01", max_size=6), st.floats(0, 1)),
        max_size=20,
    )
)
def test_every_read_falls_into_one_bin_of_confidence(drawn: list[tuple[str, str | None, float]]) -> None:
    outcomes = [outcome(*each) for each in drawn]
    score = reading.score(outcomes)
    assert sum(each.right.count for each in score.calibration) == sum(each.read is not None for each in outcomes)
    assert score.exact.hits <= score.merged.hits


def test_missing_and_added_characters_are_told_apart_from_confused_ones() -> None:
    confusions = reading.score([outcome("ABC", "AC"), outcome("ABC", "ABCD")]).confusions
    assert set(confusions) == {("B", reading.NOTHING, 1), (reading.NOTHING, "D", 1)}


def test_plates_are_grouped_by_country_rows_width_angle_and_condition() -> None:
    corners: Corners = ((0, 0), (80, 40), (80, 60), (0, 20))
    each = outcome("AB", "AB", country="GB", rows=2, corners=corners)
    assert set(grouped([each])) == {"data set", "country GB", "two rows", "width 60-100 px", "angle over 25 degrees"}
    assert [width_band(width) for width in (59.9, 60, 160)] == ["0-60 px", "60-100 px", "over 160 px"]


LABELS = Sample(
    file="1.jpg",
    width=400,
    height=200,
    plates=(
        Plate(box=(10, 10, 80, 20), text="AB1"),
        Plate(box=(200, 10, 80, 20), text="CD2"),
        Plate(box=(10, 100, 80, 20)),
    ),
)


def test_a_read_belongs_to_the_label_it_overlaps_and_a_second_one_is_stray() -> None:
    reads = [
        Read("AB1", 0.9, (12, 12, 88, 28)),
        Read("A81", 0.5, (10, 10, 90, 30)),
        Read("XY9", 0.9, (10, 100, 90, 120)),
        Read("STOP", 0.7, (300, 150, 380, 180)),
    ]
    judged = judge("set", LABELS, reads)
    assert [(each.truth, each.read) for each in judged.outcomes] == [("AB1", "AB1"), ("CD2", None)]
    assert {read.text for read in judged.strays} == {"A81", "STOP"}, "a read on a plate without a text is no stray"


def test_in_a_picture_with_one_label_any_read_stands_for_it() -> None:
    one = LABELS.model_copy(update={"plates": (Plate(box=None, text="AB1"),)})
    reads = [Read("XY9", 0.4, (0, 0, 9, 9)), Read("AB1", 0.8, (300, 150, 380, 180))]
    judged = judge("set", one, reads)
    assert judged.outcomes[0].exact
    assert [read.text for read in judged.strays] == ["XY9"]


coordinates = st.integers(0, 300)
drawn_reads = st.lists(
    st.builds(lambda x, y, c: Read("AB1", c, (x, y, x + 80, y + 20)), coordinates, coordinates, st.floats(0, 1)),
    max_size=6,
)


@settings(deadline=None)  # A busy machine is no fault of the code.
@given(drawn_reads)
def test_no_read_is_counted_twice_and_none_is_lost(reads: list[Read]) -> None:
    judged = judge("set", LABELS, reads)
    used = sum(each.read is not None for each in judged.outcomes)
    assert len(judged.outcomes) == 2
    assert used + len(judged.strays) <= len(reads) <= used + len(judged.strays) + 1, "one may lie on the unread plate"
