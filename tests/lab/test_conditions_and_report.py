"""Conditions put into pictures, and what a report shows of figures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from flowalpr.lab.datasets.sample import Dataset, Plate, Sample
from flowalpr.lab.evaluation.conditions import EVERYWHERE, under
from flowalpr.lab.evaluation.end_to_end import Read, judge
from flowalpr.lab.evaluation.pictures import worst_cases
from flowalpr.lab.evaluation.report import write_report
from flowalpr.lab.evaluation.running import Looked
from flowalpr.lab.evaluation.sections import percent, sections_of
from flowalpr.lab.evaluation.summary import compared, of_end_to_end
from flowalpr.testing import plate_frame

SAMPLE = Sample(
    file="1.png", width=640, height=360, plates=(Plate(box=(190, 150, 260, 60), text="AB123", country="GB"),)
)


@pytest.mark.parametrize("name", ["night", "fog", "infrared", "rain", "snow", "motion", "defocus", "coarse", "dirt"])
def test_a_condition_changes_a_picture_in_the_same_way_each_time(name: str) -> None:
    image = plate_frame().image
    change = under(name)
    once, again, other = (change(image, SAMPLE, number)[0] for number in (3, 3, 4))
    assert once.shape == image.shape
    assert (once != image).any()
    assert (once == again).all()
    assert (once != other).any() or name in ("defocus", "coarse"), "another number is another night"


@pytest.mark.parametrize("name", ["rain", "motion", "defocus"])
def test_effects_that_are_sized_by_a_plate_stay_around_it(name: str) -> None:
    assert name not in EVERYWHERE
    image = plate_frame().image
    changed, _ = under(name)(image, SAMPLE, 1)
    outside = np.ones((360, 640), bool)
    outside[110:250, 30:610] = False
    assert (changed[outside] == image[outside]).all()


def test_a_plate_at_the_edge_or_without_a_box_does_no_harm() -> None:
    image = plate_frame().image
    plates = (Plate(text="AB1"), Plate(box=(630, 350, 200, 50)), Plate(box=(-50, -20, 60, 30)))
    assert under("motion")(image, SAMPLE.model_copy(update={"plates": plates}), 1)[0].shape == image.shape


@pytest.mark.parametrize("name", ["angle", "distance"])
def test_labels_move_with_the_plate_when_it_is_seen_from_elsewhere(name: str) -> None:
    image = np.full((360, 640, 3), 60, np.uint8)
    image[150:210, 190:450] = 250
    seen, sample = under(name)(image, SAMPLE, 1)
    (plate,) = sample.plates
    marked = cv2.fillConvexPoly(np.zeros(seen.shape[:2], np.uint8), np.array(plate.corners, np.int32), 1) > 0
    bright = seen[..., 0] > 150
    assert (marked & bright).sum() / (marked | bright).sum() > 0.9
    assert (sample.height, sample.width) == seen.shape[:2]
    left, top, right, _ = plate.bounds or (0, 0, 0, 0)
    assert (plate.text, 80 < right - left < 235) == ("AB123", True)
    assert marked[:, : int(left)].sum() + marked[: int(top)].sum() == 0


def looked(text: str | None, box: tuple[float, float, float, float] = (190, 150, 450, 210)) -> Looked:
    reads = [] if text is None else [Read(text, 0.9, box)]
    return Looked(judge("drawn", SAMPLE, reads), 12.0, None)


def test_a_report_holds_every_figure_in_both_forms(tmp_path: Path) -> None:
    summary = of_end_to_end({"drawn": [looked("AB123"), looked("A8123"), looked(None)]})
    summary["under"] = {"fog": of_end_to_end({"drawn": [looked(None)]})}
    write_report(tmp_path, "A | <report>", {"flow": "first"}, summary)
    text, page = ((tmp_path / name).read_text("utf-8") for name in ("report.md", "report.html"))
    assert "| exact | 33.3 % (6-79) | 1 of 3 |" in text
    assert "| fog | 0.0 % (0-79) |" in text
    assert "| B | 8 | 1 |" in text
    assert "A | &lt;report&gt;" in page
    assert json.loads((tmp_path / "results.json").read_text("utf-8"))["facts"] == {"flow": "first"}
    assert (tmp_path / "calibration.svg").stat().st_size > 1000


def test_the_worst_are_those_misread_for_sure_then_those_missed(tmp_path: Path) -> None:
    dataset = Dataset(tmp_path / "val" / "drawn", (SAMPLE,))
    pictures = [looked(None), looked("AB123"), looked("A8123"), looked("A8I23")]
    outcomes = [
        replace(each, subject=replace(each.subject, data=dataset.name))
        for one in pictures
        for each in one.judged.outcomes
    ]
    assert [tile.title for tile in worst_cases([dataset], outcomes)] == ["A8123 (0.90)", "A8I23 (0.90)", "not found"]
    assert len(worst_cases([dataset], outcomes, most=1)) == 1


def test_reads_beside_every_plate_are_counted_for_each_picture() -> None:
    stray = looked("STOP", (10, 10, 60, 30))
    two = Looked(
        judge("drawn", SAMPLE, [Read("AB123", 0.9, (190, 150, 450, 210)), Read("STOP", 0.5, (1, 1, 60, 30))]), 8.0, None
    )
    summary = of_end_to_end({"drawn": [two, stray]})
    by_labels = summary["false_reads"]["by_labels"]
    assert (by_labels["count"], by_labels["value"]) == (1, 0.5), "in a picture with one plate any read stands for it"
    assert summary["milliseconds"] == 10.0
    failed = of_end_to_end({"drawn": [Looked(judge("drawn", SAMPLE, []), 0.0, "is damaged")]})
    assert (failed["failed"], failed["milliseconds"], failed["exact"]["count"]) == (1, None, 1)


def test_a_summary_of_nothing_is_shown_without_a_figure() -> None:
    summary = of_end_to_end({})
    assert json.loads(json.dumps(summary))["characters"] is None
    assert percent(summary["exact"]) == "-"
    assert sections_of(summary)[0].rows[0] == ("exact", "-", "0 of 0")


def test_a_comparison_takes_only_plates_that_both_were_asked_about() -> None:
    one = {"by_plate": {"a": [True, True], "b": [False, True], "c": [True, True]}}
    two = {"by_plate": {"b": [True, True], "a": [True, True], "d": [False, False]}}
    exact = compared(one, two)["exact"]
    assert (exact.both, exact.only_first, exact.only_second, exact.neither) == (1, 0, 1, 0)
