"""What the detector is shown."""

import cv2
import numpy as np

from flowalpr.lab.datasets.sample import Plate, Sample
from flowalpr.lab.training.detector_task import targets, with_left_out
from flowalpr.lab.training.views import Shown, Viewer, ViewRecipe, shown, spoilt

PLAIN = {"mosaic": 0, "drawn": 0, "added": 0, "near": 0, "stock": 1, "spoil": 0}


def picture(**changes: object) -> Shown:
    """640 x 480, black, with one white plate of 80 x 25."""
    image = np.zeros((480, 640, 3), np.uint8)
    image[150:175, 200:280] = 255
    plate = Plate(**{"box": (200, 150, 80, 25), **changes})
    return shown(image, Sample(file="a.jpg", width=640, height=480, plates=(plate,)))


def test_the_same_generator_gives_the_same_view() -> None:
    viewer = Viewer([picture()], [1], ViewRecipe(stock=3), seed=1)
    (first, marks), (second, others) = (viewer.view((160, 192), np.random.default_rng(9)) for _ in range(2))
    assert np.array_equal(first, second)
    assert [mark.weight for mark in marks] == [mark.weight for mark in others]


def test_the_plate_is_where_its_mark_says_however_it_is_turned() -> None:
    viewer = Viewer([picture()], [1], ViewRecipe(**PLAIN), seed=1)
    whole = 0
    for seed in range(40):
        canvas, marks = viewer.view((224, 288), np.random.default_rng(seed))
        for mark in (each for each in marks if each.trust > 0 and np.ptp(each.corners[:, 0]) > 50):
            inside = np.zeros(canvas.shape[:2], np.uint8)
            cv2.fillConvexPoly(inside, np.round(mark.corners).astype(np.int32), 255)
            white, marked = canvas[..., 0] > 180, inside > 0
            assert (white & marked).sum() / (white | marked).sum() > 0.75  # Pixels on the edge are grey.
            whole += 1
    assert whole > 10


def test_corners_stay_clockwise_from_left_top_in_mirrored_views() -> None:
    viewer = Viewer([picture()], [1], ViewRecipe(**PLAIN), seed=1)
    for seed in range(40):
        for mark in viewer.view((224, 288), np.random.default_rng(seed))[1]:
            first, second, _, fourth = mark.corners
            along, down = second - first, fourth - first
            assert along[0] > 0
            assert along[0] * down[1] - along[1] * down[0] > 0


def test_labelled_corners_are_believed_more_than_those_of_a_box() -> None:
    turned = ((200, 150), (280, 155), (280, 180), (200, 175))
    assert picture().trusts[0] < picture(corners=turned).trusts[0] == 1


def test_a_drawn_plate_hides_the_real_one_and_its_corners_are_believed() -> None:
    viewer = Viewer([picture()], [1], ViewRecipe(**{**PLAIN, "drawn": 1.0, "stock": 20}), seed=1)
    believed = [
        mark.trust
        for seed in range(20)
        for mark in viewer.view((224, 288), np.random.default_rng(seed))[1]
        if mark.weight > 0
    ]
    assert believed.count(1.0) > 0.7 * len(believed) > 0


def test_plates_cut_by_the_edge_are_neither_asked_for_nor_punished() -> None:
    viewer = Viewer([picture()], [1], ViewRecipe(**PLAIN), seed=1)
    for seed in range(60):
        for mark in viewer.view((96, 96), np.random.default_rng(seed))[1]:
            seen, whole = mark.box[2:] - mark.box[:2], np.ptp(mark.corners, axis=0)
            if seen.prod() < 0.7 * whole.prod():
                assert mark.weight == -1
                assert mark.trust == 0


def test_a_plate_that_the_labels_leave_out_is_not_cared_about() -> None:
    both = with_left_out(picture(), 1280, [Plate(box=(800, 600, 120, 40))])
    assert both.wanted.tolist() == [1, -1]
    assert both.corners[1].tolist() == [[400, 300], [460, 300], [460, 320], [400, 320]]


def test_views_without_plates_make_targets_without_weight() -> None:
    table = targets([(np.zeros((32, 32, 3), np.uint8), [])])
    assert table.boxes.shape == (1, 1, 4)
    assert float(table.weights.sum()) == 0


def test_spoiling_keeps_size_and_kind() -> None:
    rng = np.random.default_rng(4)
    image = rng.integers(0, 256, (96, 128, 3), dtype=np.uint8)
    for _ in range(30):
        result = spoilt(image, rng)
        assert result.shape == image.shape
        assert result.dtype == np.uint8
