"""The figures of an evaluation as plain values: what `--json` prints, a report shows and a comparison reads."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any  # The values that JSON has.

from flowalpr.lab.evaluation import reading
from flowalpr.lab.evaluation.detection import DetectionScore, Findings, score
from flowalpr.lab.evaluation.outcome import Outcome, grouped
from flowalpr.lab.evaluation.rate import Comparison, Frequency, Rate, compare
from flowalpr.lab.evaluation.running import Looked
from flowalpr.lab.evaluation.unlabelled import without_unlabelled

Summary = dict[str, Any]
FREQUENT = 30
"""Confusions that are listed."""


def of_reading(outcomes: Sequence[Outcome]) -> Summary:
    """The figures of reading plates, altogether and by group."""
    figures = reading.score(outcomes)
    return {
        "plates": len(outcomes),
        "exact": figures.exact.as_json(),
        "merged": figures.merged.as_json(),
        "found": figures.found.as_json(),
        "characters": _number(figures.characters),
        "calibration_error": _number(figures.calibration_error),
        "calibration": [
            {"low": each.low, "high": each.high, "confidence": _number(each.confidence), "right": each.right.as_json()}
            for each in figures.calibration
        ],
        "thresholds": [
            {"at_least": threshold, "right": right.as_json(), "kept": kept.as_json()}
            for threshold, right, kept in figures.thresholds
        ],
        "confusions": [list(each) for each in figures.confusions[:FREQUENT]],
        "groups": {name: _of_group(members) for name, members in grouped(outcomes).items()},
        "by_plate": {each.subject.key: [each.exact, each.merged] for each in outcomes},
    }


def of_end_to_end(looked: Mapping[str, Sequence[Looked]]) -> Summary:
    """The figures of a flow, by data set and altogether; `looked` are its pictures by the name of their data set."""
    every = [each for pictures in looked.values() for each in pictures]
    read = of_reading([outcome for each in every for outcome in each.judged.outcomes])
    for each in read["thresholds"]:
        each["false_reads"] = _false_reads(every, each["at_least"])
    return {
        **read,
        **_of_pictures(every),
        "sets": {name: _of_pictures(pictures) for name, pictures in looked.items()},
    }


def of_detection(groups: Mapping[str, Sequence[Findings]], at_least: float) -> Summary:
    """The figures of a detector by group, by labels and with unlabelled plates ignored.

    The group `all` holds every picture; `at_least` is the working point.
    """
    return {"working_point": at_least, "groups": {name: _of_findings(each, at_least) for name, each in groups.items()}}


def compared(first: Summary, second: Summary) -> dict[str, Comparison]:
    """Two summaries of reading over the plates that both have: exact and merged."""
    one, two = first["by_plate"], second["by_plate"]
    both = [key for key in one if key in two]
    return {
        name: compare([one[key][index] for key in both], [two[key][index] for key in both])
        for index, name in enumerate(("exact", "merged"))
    }


def _of_group(outcomes: Sequence[Outcome]) -> Summary:
    return {
        "exact": Rate.of(each.exact for each in outcomes).as_json(),
        "merged": Rate.of(each.merged for each in outcomes).as_json(),
        "found": Rate.of(each.read is not None for each in outcomes).as_json(),
        "characters": _number(reading.character_accuracy((each.truth, each.read or "") for each in outcomes)),
    }


def _of_pictures(looked: Sequence[Looked]) -> Summary:
    times = [each.milliseconds for each in looked if each.fault is None]
    return {
        "pictures": len(looked),
        "false_reads": _false_reads(looked),
        "failed": sum(each.fault is not None for each in looked),
        "milliseconds": _number(median(times)) if times else None,
    }


def _false_reads(looked: Sequence[Looked], at_least: float = 0.0) -> Summary:
    """Reads that belong to no plate: to none with a label, and to none at all as far as known."""
    strays = [read for each in looked for read in each.judged.strays if read.confidence >= at_least]
    unlabelled = [read for each in looked for read in each.judged.unlabelled if read.confidence >= at_least]
    return {
        "by_labels": Frequency(len(strays), len(looked)).as_json(),
        "without_unlabelled": Frequency(len(strays) - len(unlabelled), len(looked)).as_json(),
    }


def _of_findings(findings: Sequence[Findings], at_least: float) -> Summary:
    rest = [without_unlabelled(each) for each in findings]
    ignored = sum(int((each.scores >= at_least).sum()) for each in findings)
    ignored -= sum(int((each.scores >= at_least).sum()) for each in rest)
    known = sum(len(each.unlabelled) for each in findings)
    without = {"known": known, "found": ignored, **_of_detection(score(rest, at_least))}
    return {**_of_detection(score(findings, at_least)), "without_unlabelled": without}


def _of_detection(score: DetectionScore) -> Summary:
    return {
        "pictures": score.pictures,
        "plates": score.plates,
        "ap50": _number(score.ap50),
        "ap50_95": _number(score.ap50_95),
        "ap50_by_size": {name: _number(value) for name, value in score.ap50_by_size.items()},
        "precision": score.precision.as_json(),
        "recall": score.recall.as_json(),
        "curve": [list(map(_number, point)) for point in score.curve],
        "thresholds": [
            {"at_least": threshold, "precision": precision.as_json(), "recall": recall.as_json()}
            for threshold, precision, recall in score.thresholds
        ],
    }


def _number(value: float) -> float | None:
    """Four decimals; null for what is not a number, which JSON does not know."""
    return None if math.isnan(value) else round(value, 4)
