"""How well plates are read: whole plates, characters, which ones are confused, and what a confidence is worth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

from flowalpr.lab.evaluation.outcome import Outcome
from flowalpr.lab.evaluation.rate import Rate

BINS = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0)
"""Bounds of confidences that are told apart; narrow where decisions are made."""
NOTHING = "∅"
"""Stands in the confusion matrix for a character that is not there."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Reads of about one confidence."""

    low: float
    high: float
    confidence: float
    """Mean confidence of the reads in the bin."""
    right: Rate


@dataclass(frozen=True, slots=True)
class ReadingScore:
    """Figures of reading on a set of plates."""

    exact: Rate
    merged: Rate
    found: Rate
    """Plates for which there is any read at all."""
    characters: float
    """1 - edit distance over the length of the true texts, 0..1 (can be below 0 for very bad readers)."""
    confusions: tuple[tuple[str, str, int], ...]
    """True character, read character, how often: the most frequent first, right ones left out."""
    calibration: tuple[Bin, ...]
    calibration_error: float
    """Mean distance of confidence from truth, weighted by count (expected calibration error), 0..1."""
    thresholds: tuple[tuple[float, Rate, Rate], ...]
    """At each threshold: how many of the reads above it are right, and how many of all plates they are."""


def score(outcomes: Sequence[Outcome]) -> ReadingScore:
    """The figures of reading."""
    reads = [each for each in outcomes if each.read is not None]
    calibration = tuple(_bins(reads))
    weighted = sum(abs(each.confidence - each.right.value) * each.right.count for each in calibration)
    return ReadingScore(
        exact=Rate.of(each.exact for each in outcomes),
        merged=Rate.of(each.merged for each in outcomes),
        found=Rate(len(reads), len(outcomes)),
        characters=character_accuracy((each.truth, each.read or "") for each in outcomes),
        confusions=tuple(_confusions(reads)),
        calibration=calibration,
        calibration_error=weighted / len(reads) if reads else 0.0,
        thresholds=tuple(_at_threshold(outcomes, threshold) for threshold in BINS[1:-1]),
    )


def character_accuracy(pairs: Iterable[tuple[str, str]]) -> float:
    """1 - edit distance over length, summed over pairs of true and read texts; not a number for no text at all."""
    from rapidfuzz.distance import Levenshtein

    distance = length = 0
    for truth, read in pairs:
        distance += Levenshtein.distance(truth, read)
        length += len(truth)
    return 1 - distance / length if length else float("nan")


def _confusions(outcomes: Iterable[Outcome]) -> list[tuple[str, str, int]]:
    from rapidfuzz.distance import Levenshtein

    counted: Counter[tuple[str, str]] = Counter()
    for each in outcomes:
        read = each.read or ""
        # rapidfuzz 3.14 gives tuples here, though its types say otherwise.
        steps = cast("list[tuple[str, int, int]]", Levenshtein.editops(each.truth, read).as_list())
        for kind, in_truth, in_read in steps:
            true = NOTHING if kind == "insert" else each.truth[in_truth]
            got = NOTHING if kind == "delete" else read[in_read]
            counted[true, got] += 1
    return [(true, got, count) for (true, got), count in counted.most_common()]


def _bins(reads: Sequence[Outcome]) -> Iterable[Bin]:
    for low, high in pairwise(BINS):
        inside = [each for each in reads if low <= each.confidence < high or each.confidence == high == 1.0]
        if inside:
            mean = sum(each.confidence for each in inside) / len(inside)
            yield Bin(low, high, mean, Rate.of(each.exact for each in inside))


def _at_threshold(outcomes: Sequence[Outcome], threshold: float) -> tuple[float, Rate, Rate]:
    sure = [each for each in outcomes if each.read is not None and each.confidence >= threshold]
    right = sum(each.exact for each in sure)
    return threshold, Rate(right, len(sure)), Rate(len(sure), len(outcomes))
