"""The node `track`: the same number for the same plate, whatever lies between."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.scenes import Scene, Score, approaching, detections, hidden, score, straight

from flowalpr import Box, Detection, Detections, Frame, Stamp
from flowalpr.testing import NOON, feed
from flowalpr_builtin.detect import tracker
from flowalpr_builtin.detect.motion import Estimate
from flowalpr_builtin.detect.track import Track

TWO_WAYS = (straight((100, 300), (250, 0)), straight((1180, 310), (-250, 0)))
"""Two plates that meet in the middle and cover one another there."""
QUEUE = tuple(approaching(300 + 150 * lane, 3.0, since=0.8 * lane) for lane in range(4))


def tracked(scene: Scene) -> Score:
    truth = detections(scene)
    given = [each for each in feed(Track(), *(found for found, _, _ in truth)) if isinstance(each, Detections)]
    return score(truth, given)


def found(*boxes: Box, at: float = 0.0, camera: str = "gate", confidence: float = 0.9) -> Detections:
    frame = Frame(np.zeros((9, 16, 3), np.uint8), Stamp(camera, NOON + timedelta(seconds=at), round(at * 10)))
    return Detections(frame, tuple(Detection(frame, box, confidence) for box in boxes))


def numbers(node: Track, *messages: Detections) -> list[list[int | None]]:
    return [[each.track for each in given.found] for given in map(node.process, messages)]


def moved(by: float) -> Box:
    return Box(100 + by, 100, 200 + by, 125)


def test_plates_that_meet_keep_their_numbers() -> None:
    assert tracked(Scene(TWO_WAYS)) == Score(mota=1, idf1=1, switches=0, tracks=2)


def test_a_plate_hidden_for_most_of_a_second_keeps_its_number() -> None:
    ways = (hidden(TWO_WAYS[0], 1.5, 2.3), hidden(approaching(600, 4.0), 2.0, 2.9))
    assert tracked(Scene(ways)) == Score(mota=1, idf1=1, switches=0, tracks=2)


def test_a_plate_gone_for_longer_is_another() -> None:
    assert tracked(Scene((hidden(straight((100, 300), (0, 0)), 1.0, 2.2),))).tracks == 2


@pytest.mark.parametrize("fps", [5, 10, 30])
def test_a_car_that_moves_by_more_than_its_plate_each_frame_is_followed(fps: float) -> None:
    fast = straight((50, 300), (min(120 * fps, 1200), 0))  # At 5 and 10 frames a second 120 pixels; a plate has 112.
    result = tracked(Scene((fast,), seconds=1.0, fps=fps))
    assert (result.tracks, result.switches) == (1, 0)


@pytest.mark.parametrize("seed", range(3))
def test_a_bad_detector_and_lost_frames_cost_few_numbers(seed: int) -> None:
    scene = Scene(QUEUE, seconds=5.6, jitter=0.1, missed=0.15, false=0.2, dropped=0.2, seed=seed)
    result = tracked(scene)
    assert result.mota > 0.68, "15 % were not found, and 20 % of frames had a false finding, half of them sure"
    assert result.idf1 > 0.85
    assert result.switches <= 1


def test_standing_cars_side_by_side_are_not_mixed_up() -> None:
    ways = tuple(straight((200 + 160 * column, 300), (0, 0)) for column in range(5))
    assert tracked(Scene(ways, jitter=0.1, missed=0.1)).switches == 0


def test_two_findings_of_one_plate_are_one_track() -> None:
    plate, part = Box(100, 100, 200, 125), Box(98, 98, 170, 126)
    given = numbers(Track(), found(plate, part), found(plate, part, at=0.1))
    assert [len(each) for each in given] == [1, 1]


def test_a_faint_plate_goes_on_but_does_not_begin() -> None:
    node = Track()
    faint = found(moved(0), confidence=0.3)
    assert numbers(node, faint) == [[]]
    sure, later = numbers(node, found(moved(0)), found(moved(10), at=0.1, confidence=0.3))
    assert sure == later != [None]


def test_numbers_are_never_used_twice_also_after_a_restart() -> None:
    before = numbers(Track(), *(found(moved(0), at=2.0 * each) for each in range(5)))
    after = numbers(Track(), *(found(moved(0), moved(500), at=8.001 + 2.0 * each) for each in range(5)))
    used = [track for each in (*before, *after) for track in each]
    assert len(used) == len(set(used)) == 15
    assert all(track is not None and track < 2**53 for track in used), "else JavaScript rounds them"


def test_each_camera_has_tracks_of_its_own() -> None:
    one, other = numbers(Track(), found(moved(0)), found(moved(0), at=0.1, camera="exit"))
    assert one != other


def test_a_clock_set_back_begins_anew_and_stops_nothing() -> None:
    node = Track()
    first, second, third = numbers(node, found(moved(0), at=100), found(moved(0), at=0), found(moved(0), at=0.1))
    assert first != second == third


def test_a_frame_without_plates_goes_on() -> None:
    (given,) = feed(Track(), found())
    assert isinstance(given, Detections)
    assert given.found == ()


def test_what_is_known_of_a_plate_stays_with_it() -> None:
    corners = np.array([[100, 100], [200, 100], [200, 125], [100, 125]], np.float32)
    seen = found(moved(0))
    node = Track()
    given = node.process(replace(seen, found=(replace(seen.found[0], corners=corners),)))
    assert given.found[0].corners is corners
    assert given.frame is seen.frame


def test_tracks_are_bounded() -> None:
    boxes = [Box(each * 10, 0, each * 10 + 8, 4) for each in range(tracker.MOST + 50)]
    (given,) = numbers(Track(), found(*boxes))
    assert len(given) == tracker.MOST


some = st.floats(0.1, 1e3)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), some, some, st.complex_numbers(max_magnitude=1e3)), max_size=6))
def test_a_place_and_speed_are_estimated_as_by_the_matrices_of_a_kalman_filter(
    steps: list[tuple[float, float, float, complex]],
) -> None:
    estimate = Estimate(3 + 4j, 5.0, 7.0)
    state, spread = np.array([3 + 4j, 0]), np.diag([5.0, 7.0])
    for passed, pushed, error, measured in steps:
        estimate.predict(passed, pushed)
        estimate.correct(measured, error)
        moved, push = np.array([[1, passed], [0, 1]]), np.array([[passed / 2], [1]])
        state, spread = moved @ state, moved @ spread @ moved.T + pushed * push @ push.T
        gain = spread[:, 0] / (spread[0, 0] + error)
        state, spread = state + gain * (measured - state[0]), spread - np.outer(gain, spread[0])
    assert [estimate.place, estimate.speed] == pytest.approx(state.tolist(), abs=1e-6)
    variances = [estimate.place_var, estimate.covariance, estimate.speed_var]
    assert variances == pytest.approx(spread[[0, 0, 1], [0, 1, 1]].tolist(), abs=1e-6)


places = st.floats(-1e4, 1e4, width=32)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.tuples(places, places, st.floats(0, 500), st.floats(0, 500)), max_size=6), max_size=8))
def test_no_two_plates_of_a_frame_have_one_number(frames: list[list[tuple[float, float, float, float]]]) -> None:
    node = Track()
    for at, boxes in enumerate(frames):
        seen = found(*(Box(x, y, x + width, y + height) for x, y, width, height in boxes), at=at / 10)
        (given,) = numbers(node, seen)
        assert len(given) == len(set(given))
