"""Boxes and corners."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from flowalpr.vision.geometry import boxes_around, clip, corners_of, iou, suppress, widen

sides = st.floats(-500, 2000, width=32)


@st.composite
def some_boxes(draw: st.DrawFn) -> np.ndarray:
    """float32, (n, 4), each with left <= right and top <= bottom."""
    points = draw(arrays(np.float32, st.tuples(st.integers(0, 6), st.just(4)), elements=sides))
    return np.concatenate([np.minimum(points[:, :2], points[:, 2:]), np.maximum(points[:, :2], points[:, 2:])], 1)


@given(some_boxes(), some_boxes())
def test_overlap_is_symmetric_and_a_share(first: np.ndarray, second: np.ndarray) -> None:
    there, back = iou(first, second), iou(second, first)
    assert np.array_equal(there, back.T)
    assert ((there >= 0) & (there <= 1 + 1e-5)).all()  # Rounding of float32 areas.


def test_a_box_overlaps_itself_wholly_and_its_half_by_a_half() -> None:
    box, half = np.array([[0, 0, 10, 4]], np.float32), np.array([[0, 0, 5, 4]], np.float32)
    assert iou(box, box)[0, 0] == 1
    assert iou(box, half)[0, 0] == 0.5


@given(some_boxes())
def test_corners_of_a_box_give_the_box_back(boxes: np.ndarray) -> None:
    assert np.array_equal(boxes_around(corners_of(boxes)), boxes)


@given(some_boxes())
def test_a_clipped_box_lies_in_the_picture(boxes: np.ndarray) -> None:
    inside = clip(boxes, 640, 480)
    assert (inside >= 0).all()
    assert (inside[:, [0, 2]] <= 640).all()
    assert (inside[:, [1, 3]] <= 480).all()


@given(some_boxes(), st.integers(0, 1000))
def test_no_kept_box_overlaps_another_kept_one(boxes: np.ndarray, seed: int) -> None:
    scores = np.random.default_rng(seed).random(len(boxes)).astype(np.float32)
    kept = suppress(boxes, scores, 0.5)
    shared = iou(boxes[kept], boxes[kept]) - np.eye(len(kept))
    assert (shared <= 0.5 + 1e-5).all()
    assert list(scores[kept]) == sorted(scores[kept], reverse=True)


def test_doubles_of_a_plate_give_way_to_the_surest() -> None:
    boxes = np.array([[0, 0, 10, 4], [1, 0, 11, 4], [50, 50, 60, 54]], np.float32)
    assert list(suppress(boxes, np.array([0.5, 0.9, 0.7], np.float32), 0.5)) == [1, 2]


def test_widening_moves_each_side_outwards_by_its_share() -> None:
    plate = np.array([[10, 10], [30, 10], [30, 20], [10, 20]], np.float32)
    wide = widen(plate, along=0.1, across=0.5)
    assert wide.tolist() == [[8, 5], [32, 5], [32, 25], [8, 25]]
