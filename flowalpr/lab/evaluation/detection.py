"""How well plates are found: average precision, and precision and recall where the detector really works."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from flowalpr.lab.datasets.sample import boxes_of
from flowalpr.lab.evaluation.rate import Rate
from flowalpr.vision.geometry import iou

if TYPE_CHECKING:
    from flowalpr.lab.datasets.sample import Sample
    from flowalpr.messages import Detection
    from flowalpr.vision.detector import Found

Floats = npt.NDArray[np.float32]

SIZES = {"all": (0, 1e10), "small": (0, 32**2), "medium": (32**2, 96**2), "large": (96**2, 1e10)}
"""Bands of COCO, in square pixels of the picture: plates below some 60, up to 170 and above 170 pixels of width."""

THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9)


@dataclass(frozen=True, slots=True)
class Findings:
    """Labelled and found plates of one picture; boxes are left, top, right, bottom in its pixels."""

    data: str
    file: str
    truth: Floats
    """(m, 4)"""
    boxes: Floats
    """(n, 4)"""
    scores: Floats
    """(n,), 0..1; down to about 0.01, so that the whole curve is seen."""
    unlabelled: Floats = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    """(k, 4), plates that the labels leave out; only `unlabelled` heeds them."""


def findings_in(data: str, sample: Sample, found: Sequence[Detection | Found]) -> Findings:
    """What was found in a picture of a data set, beside what is known to be there."""
    return Findings(
        data=data,
        file=sample.file,
        truth=boxes_of(sample.plates),
        boxes=np.array([each.box for each in found], np.float32).reshape(-1, 4),
        scores=np.array([each.confidence for each in found], np.float32),
        unlabelled=boxes_of(sample.unlabelled),
    )


@dataclass(frozen=True, slots=True)
class DetectionScore:
    """Figures of a detector on a set of pictures."""

    pictures: int
    plates: int
    ap50: float
    """Average precision, 0..1, of boxes that overlap by half; not a number without plates."""
    ap50_95: float
    """Mean of average precision at overlaps of .5, .55 ... .95."""
    ap50_by_size: dict[str, float]
    precision: Rate
    """Of what is found at the working point, how much is a labelled plate."""
    recall: Rate
    """Of the labelled plates, how many are found at the working point."""
    curve: tuple[tuple[float, float, float], ...]
    """Threshold, precision, recall at each of 50 confidences."""
    thresholds: tuple[tuple[float, Rate, Rate], ...]
    """Threshold, precision, recall at those that one would choose among."""


def score(findings: Sequence[Findings], at_least: float) -> DetectionScore:
    """The figures of a detector that passes on what it finds with a confidence of `at_least`."""
    precisions = _average_precisions(findings)
    matches = [match(each.truth, each.boxes, each.scores) for each in findings]
    plates = sum(len(each.truth) for each in findings)
    scores = np.concatenate([each.scores for each in findings] or [np.zeros(0, np.float32)])
    hits = np.concatenate([each >= 0 for each in matches] or [np.zeros(0, bool)])

    def working(threshold: float) -> tuple[Rate, Rate]:
        kept = scores >= threshold
        right = int((hits & kept).sum())
        return Rate(right, int(kept.sum())), Rate(right, plates)

    precision, recall = working(at_least)
    curve = []
    for threshold in np.linspace(0.01, 0.99, 50):
        at = working(float(threshold))
        if at[0].count:
            curve.append((round(float(threshold), 2), at[0].value, at[1].value))
    return DetectionScore(
        pictures=len(findings),
        plates=plates,
        ap50=precisions["all"][0],
        ap50_95=precisions["all"][1],
        ap50_by_size={name: value for name, (value, _) in precisions.items() if name != "all"},
        precision=precision,
        recall=recall,
        curve=tuple(curve),
        thresholds=tuple((threshold, *working(threshold)) for threshold in THRESHOLDS),
    )


def match(truth: Floats, boxes: Floats, scores: Floats, overlap: float = 0.5) -> npt.NDArray[np.intp]:
    """For each found box the index of the labelled plate it hits, or -1; surest first, a plate is hit once."""
    hit = np.full(len(boxes), -1, np.intp)
    overlaps = iou(boxes, truth).copy()
    for index in np.argsort(-scores, kind="stable"):
        if overlaps.shape[1] and (best := int(overlaps[index].argmax())) >= 0 and overlaps[index, best] >= overlap:
            hit[index] = best
            overlaps[:, best] = 0
    return hit


def _average_precisions(findings: Sequence[Findings]) -> dict[str, tuple[float, float]]:
    """Average precision at an overlap of .5, and its mean over .5 to .95, for each band of sizes."""
    from faster_coco_eval import COCO, COCOeval_faster  # type: ignore[import-untyped]  # carries no types

    def silent(*_: object) -> None:
        """Takes the progress that faster-coco-eval would print."""

    labels = [(number, box) for number, each in enumerate(findings, start=1) for box in _xywh(each.truth)]
    found = [
        {"image_id": number, "category_id": 1, "bbox": box, "score": float(sure)}
        for number, each in enumerate(findings, start=1)
        for box, sure in zip(_xywh(each.boxes), each.scores, strict=True)
    ]
    if not labels or not found:
        return dict.fromkeys(SIZES, (0.0, 0.0) if labels else (float("nan"), float("nan")))
    truth = COCO(
        {
            "images": [{"id": number} for number in range(1, len(findings) + 1)],
            "categories": [{"id": 1, "name": "plate"}],
            "annotations": [
                {"id": i, "image_id": number, "category_id": 1, "bbox": box, "area": box[2] * box[3], "iscrowd": 0}
                for i, (number, box) in enumerate(labels, start=1)
            ],
        }
    )
    run = COCOeval_faster(truth, truth.loadRes(found), "bbox", print_function=silent)
    run.params.areaRng, run.params.areaRngLbl = [list(each) for each in SIZES.values()], list(SIZES)
    run.params.maxDets = [100]
    run.evaluate()
    run.accumulate()
    precision = run.eval["precision"]  # (overlaps, recalls, classes, sizes, limits); -1 where there are no plates
    return {
        name: (_mean(precision[0, :, 0, size, 0]), _mean(precision[:, :, 0, size, 0]))
        for size, name in enumerate(SIZES)
    }


def _mean(precision: npt.NDArray[np.float64]) -> float:
    there = precision[precision > -1]
    return float(there.mean()) if there.size else float("nan")


def _xywh(boxes: Floats) -> list[list[float]]:
    return [[float(left), float(top), float(r - left), float(b - top)] for left, top, r, b in boxes]
