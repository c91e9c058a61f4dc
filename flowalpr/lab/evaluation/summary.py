"""The figures of an evaluation as plain values: what `--json` prints, a report shows and a comparison reads."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any  # The values that JSON has.

from flowalpr.lab.evaluation import reading
from flowalpr.lab.evaluation.detection import DetectionScore
from flowalpr.lab.evaluation.outcome import Outcome, grouped
from flowalpr.lab.evaluation.rate import Comparison, Rate, compare
from flowalpr.lab.evaluation.running import Looked

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
        strays = sum(stray.confidence >= each["at_least"] for one in every for stray in one.judged.strays)
        each["false_reads_per_picture"] = _number(strays / len(every)) if every else None
    return {
        **read,
        **_of_pictures(every),
        "sets": {name: _of_pictures(pictures) for name, pictures in looked.items()},
    }


def of_detection(scores: Mapping[str, DetectionScore]) -> Summary:
    """The figures of a detector by group; the group `all` holds every picture."""
    return {"groups": {name: _of_detection(score) for name, score in scores.items()}}


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
    strays = sum(len(each.judged.strays) for each in looked)
    times = [each.milliseconds for each in looked if each.fault is None]
    return {
        "pictures": len(looked),
        "false_reads": strays,
        "false_reads_per_picture": _number(strays / len(looked)) if looked else None,
        "failed": sum(each.fault is not None for each in looked),
        "milliseconds": _number(median(times)) if times else None,
    }


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
    }


def _number(value: float) -> float | None:
    """Four decimals; null for what is not a number, which JSON does not know."""
    return None if math.isnan(value) else round(value, 4)
