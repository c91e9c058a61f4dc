"""Plates that labels leave out: what ignoring them changes, and what it must never change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowalpr.lab.datasets.sample import DataError, Dataset, Plate, Sample, load, save, write_lines
from flowalpr.lab.evaluation.detection import Findings, score
from flowalpr.lab.evaluation.end_to_end import Read, judge
from flowalpr.lab.evaluation.pictures import worst_finds, worst_reads
from flowalpr.lab.evaluation.rate import Frequency, Rate
from flowalpr.lab.evaluation.running import Looked
from flowalpr.lab.evaluation.summary import of_detection, of_end_to_end
from flowalpr.lab.evaluation.unlabelled import with_lists, without_unlabelled
from flowalpr.lab.evaluation.viewpoint import farther

Bounds = tuple[float, float, float, float]
LABELLED, OTHER, SIGN = (10.0, 10.0, 90.0, 30.0), (200.0, 10.0, 280.0, 30.0), (10.0, 100.0, 90.0, 120.0)
SAMPLE = Sample(
    file="1.png",
    width=400,
    height=200,
    plates=(Plate(box=(10, 10, 80, 20), text="AB1"),),
    unlabelled=(Plate(box=(200, 10, 80, 20)),),
)


def boxes(*rows: Bounds) -> npt.NDArray[np.float32]:
    return np.array(rows, np.float32).reshape(-1, 4)


def findings(*found: tuple[Bounds, float], unlabelled: tuple[Bounds, ...] = (OTHER,)) -> Findings:
    scores = np.array([sure for _, sure in found], np.float32)
    return Findings("d", "1.png", boxes(LABELLED), boxes(*(box for box, _ in found)), scores, boxes(*unlabelled))


def test_a_finding_on_an_unlabelled_plate_counts_neither_for_nor_against() -> None:
    each = findings((LABELLED, 0.9), (OTHER, 0.95), (SIGN, 0.7))
    assert score([each], 0.5).precision == Rate(1, 3)
    rest = score([without_unlabelled(each)], 0.5)
    assert (rest.precision, rest.recall) == (Rate(1, 2), Rate(1, 1))
    assert (score([each], 0.5).ap50, rest.ap50) == (0.5, 1.0), "a sure finding of an unlabelled plate comes first"


def test_an_unlabelled_plate_that_is_not_found_costs_nothing() -> None:
    each = findings((LABELLED, 0.9), (SIGN, 0.7))
    before, after = score([each], 0.5), score([without_unlabelled(each)], 0.5)
    assert (before.ap50, before.precision, before.recall) == (after.ap50, after.precision, after.recall)


def test_a_second_box_on_an_unlabelled_plate_and_a_part_of_one_stay_faults() -> None:
    part = (200.0, 10.0, 230.0, 30.0)
    rest = without_unlabelled(findings((OTHER, 0.7), ((202.0, 10.0, 280.0, 31.0), 0.9), (part, 0.8)))
    assert rest.boxes.tolist() == [list(OTHER), list(part)], "the surest is the one that is ignored"


def test_a_region_over_a_label_takes_no_right_finding_away() -> None:
    each = findings((LABELLED, 0.9), unlabelled=(LABELLED,))
    assert without_unlabelled(each).boxes.tolist() == [list(LABELLED)]


places = st.builds(lambda x, y: (float(x), float(y), x + 80.0, y + 20.0), st.integers(0, 150), st.integers(0, 40))


@settings(deadline=None)  # A busy machine is no fault of the code.
@given(st.lists(st.tuples(places, st.floats(0.1, 1)), max_size=8), st.lists(places, max_size=4))
def test_ignoring_never_costs_a_right_finding(found: list[tuple[Bounds, float]], regions: list[Bounds]) -> None:
    each = findings(*found, unlabelled=tuple(regions))
    rest = without_unlabelled(each)
    before, after = score([each], 0.5), score([rest], 0.5)
    assert before.recall == after.recall
    assert before.precision.hits == after.precision.hits
    assert before.precision.count - after.precision.count <= len(regions)


READS = [Read("AB1", 0.9, LABELLED), Read("XY2", 0.8, OTHER), Read("XY", 0.6, OTHER), Read("STOP", 0.7, SIGN)]


def test_a_read_of_an_unlabelled_plate_is_told_apart_from_false_ones() -> None:
    judged = judge("set", SAMPLE, READS)
    assert [read.text for read in judged.strays] == ["XY2", "STOP", "XY"]
    assert [read.text for read in judged.unlabelled] == ["XY2"], "a second read of it is false"
    without = SAMPLE.model_copy(update={"unlabelled": ()})
    assert judge("set", without, READS).outcomes[0].read == judged.outcomes[0].read == "AB1"


def test_a_summary_has_every_figure_by_labels_and_without_unlabelled_plates() -> None:
    false = of_end_to_end({"set": [Looked(judge("set", SAMPLE, READS), 1.0, None)]})["false_reads"]
    assert (false["by_labels"]["count"], false["without_unlabelled"]["count"]) == (3, 2)
    figures = of_detection({"all": [findings((LABELLED, 0.9), (OTHER, 0.95), (SIGN, 0.7))]}, 0.8)["groups"]["all"]
    assert (figures["precision"]["hits"], figures["precision"]["count"]) == (1, 2)
    rest = figures["without_unlabelled"]
    assert (rest["known"], rest["found"], rest["precision"]["count"]) == (1, 1, 1)


def test_the_bounds_of_a_frequency_are_those_of_poisson() -> None:
    low, high = Frequency(10, 1).interval  # Exact: 4.80 and 18.39 (Ulm, American Journal of Epidemiology 131, 1990).
    assert (low, high) == (pytest.approx(4.80, abs=0.02), pytest.approx(18.39, abs=0.02))
    assert Frequency(0, 100).interval == (0.0, pytest.approx(0.0369, abs=0.0005))
    assert Frequency(0, 0).as_json()["value"] is None


def test_a_report_shows_false_plates_and_false_reads_surest_first(tmp_path: Path) -> None:
    dataset = Dataset(tmp_path / "d", (SAMPLE,))
    beside = ((300.0, 150.0, 380.0, 170.0), 0.9)
    each = findings((LABELLED, 0.9), (OTHER, 0.95), (SIGN, 0.7), beside, ((0.0, 0.0, 20.0, 9.0), 0.1))
    each = Findings(dataset.name, each.file, each.truth, each.boxes, each.scores, each.unlabelled)
    assert [tile.title for tile in worst_finds([dataset], [each], 0.5)] == ["0.90", "0.70"]
    looked = {dataset.name: [Looked(judge(dataset.name, SAMPLE, READS), 1.0, None)]}
    assert [tile.title for tile in worst_reads([dataset], looked)] == ["STOP (0.70)", "XY (0.60)"]


def test_unlabelled_plates_move_with_the_picture() -> None:
    _, moved = farther(np.zeros((200, 400, 3), np.uint8), SAMPLE, 1)
    assert moved.unlabelled[0].bounds == (100.0, 5.0, 140.0, 15.0)


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    dataset = Dataset(tmp_path / "val" / "d", (SAMPLE, SAMPLE.model_copy(update={"file": "2.png", "unlabelled": ()})))
    save(dataset)
    return dataset


def listed(tmp_path: Path, file: str, width: int = 400, box: object = (1, 2, 30, 10)) -> Path:
    entry = {"file": file, "width": width, "height": 200, "plates": [{"box": box}]}
    write_lines(tmp_path / "list.jsonl", [Sample.model_validate(entry).as_line()])
    return tmp_path / "list.jsonl"


def test_a_data_set_keeps_its_unlabelled_plates_and_takes_those_of_a_list(data: Dataset, tmp_path: Path) -> None:
    kept = load(data.folder)
    assert kept.samples == data.samples
    first, second = with_lists([kept], [listed(tmp_path, "val/d/2.png")])[0]
    assert (first, [plate.box for plate in second.unlabelled]) == (SAMPLE, [(1, 2, 30, 10)])
    assert with_lists([kept], [])[0].samples == kept.samples


@pytest.mark.parametrize(
    ("file", "width", "box", "says"),
    [
        ("val/d/SECRET9.png", 400, (1, 2, 30, 10), "entry 1 of .* is of a picture that its data set lacks"),
        ("val/d/2.png", 800, (1, 2, 30, 10), "is of a picture of 800 x 200 pixels"),
        ("val/d/2.png", 400, None, "has a plate without a box"),
        ("val/other/2.png", 400, (1, 2, 30, 10), "says nothing of these data sets"),
    ],
)
def test_a_list_that_does_not_fit_is_refused_without_naming_a_file(
    data: Dataset, tmp_path: Path, file: str, width: int, box: object, says: str
) -> None:
    with pytest.raises(DataError, match=says) as refused:
        with_lists([data], [listed(tmp_path, file, width, box)])
    assert "SECRET9" not in str(refused.value)
