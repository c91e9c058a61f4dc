"""Plates pasted into pictures."""

import cv2
import numpy as np

from flowalpr.lab.datasets.synthetic.scene import Painter, paste, posed


def painter() -> Painter:
    return Painter(np.random.default_rng(2), stock=12)


def test_the_same_seed_gives_the_same_scene() -> None:
    background = np.full((240, 320, 3), 90, np.uint8)
    first, second = (painter().scene(background, [], np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(first.image, second.image)
    assert [placed.plate.text for placed in first.plates] == [placed.plate.text for placed in second.plates]


def test_plates_of_a_scene_do_not_touch_one_another_nor_the_real_ones() -> None:
    background = np.full((240, 320, 3), 90, np.uint8)
    real = np.array([[100, 80], [220, 80], [220, 160], [100, 160]], np.float32)
    for seed in range(15):
        plates = painter().scene(background, [real], np.random.default_rng(seed)).plates
        taken = np.zeros((240, 320), np.uint8)
        for quad in [real, *(each.corners for each in plates)]:
            own = cv2.fillConvexPoly(np.zeros_like(taken), quad.astype(np.int32), 1)
            assert not (taken & own).any()
            taken |= own


def test_the_background_stays_as_it_was_where_no_plate_is() -> None:
    background = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    untouched = background.copy()
    scene = painter().scene(background, [], np.random.default_rng(1))
    assert np.array_equal(background, untouched)
    (placed, *_) = scene.plates
    mask = np.zeros((240, 320), np.uint8)
    for each in scene.plates:
        cv2.fillConvexPoly(mask, each.corners.astype(np.int32), 1)
    far = cv2.dilate(mask, np.ones((15, 15), np.uint8)) == 0
    assert np.array_equal(scene.image[far], background[far])
    assert not np.array_equal(scene.image, background)
    assert placed.plate.text


def test_a_plate_over_a_real_one_hides_it() -> None:
    real = np.array([[100, 80], [180, 84], [180, 106], [100, 102]], np.float32)
    for seed in range(10):
        image = np.zeros((200, 320, 3), np.uint8)
        cv2.fillConvexPoly(image, real.astype(np.int32), (255, 0, 255))  # A colour that no drawn plate has.
        placed = painter().over(image, real, np.random.default_rng(seed))
        inner = cv2.fillConvexPoly(np.zeros(image.shape[:2], np.uint8), real.astype(np.int32), 1)
        inner = cv2.erode(inner, np.ones((5, 5), np.uint8)) > 0
        pure = image[inner].astype(int) - (255, 0, 255)
        assert not (np.abs(pure).max(axis=1) < 20).any()
        assert all(cv2.pointPolygonTest(placed.corners, tuple(map(float, p)), True) > -2 for p in real)


def test_real_plates_of_a_scene_are_hidden_as_often_as_asked_and_named() -> None:
    background = np.full((240, 320, 3), 90, np.uint8)
    real = [np.array([[x, 40], [x + 80, 44], [x + 80, 66], [x, 62]], np.float32) for x in (20, 180)]
    tiny = np.array([[10, 200], [20, 200], [20, 204], [10, 204]], np.float32)
    scenes = [
        painter().scene(background, [*real, tiny], np.random.default_rng(s), over)
        for s in range(8)
        for over in (0, 0.5, 1)
    ]
    counts = [len(each.hidden) for each in scenes]
    assert set(counts[0::3]) == {0}
    assert 0 < sum(counts[1::3]) < 16
    assert {each.hidden for each in scenes[2::3]} == {(0, 1)}
    for scene in scenes[2::3]:
        for corners, placed in zip(real, scene.plates, strict=False):
            assert np.abs(placed.corners.mean(axis=0) - corners.mean(axis=0)).max() < 6


def test_a_pasted_plate_lies_within_its_corners() -> None:
    image = np.zeros((120, 200, 3), np.uint8)
    corners = np.array([[40, 30], [150, 45], [145, 80], [45, 60]], np.float32)
    paste(image, np.full((40, 160, 3), 200, np.uint8), corners, np.random.default_rng(0))
    bright = image[..., 0] > image.max() / 2
    marked = cv2.fillConvexPoly(np.zeros(image.shape[:2], np.uint8), corners.astype(np.int32), 1) > 0
    assert (bright & marked).sum() / (bright | marked).sum() > 0.9  # Soft edges.


def test_a_posed_plate_is_about_as_wide_as_asked_and_the_right_way_round() -> None:
    rng = np.random.default_rng(3)
    for _ in range(200):
        quad = posed(100.0, 0.25, rng)
        assert 45 < np.ptp(quad[:, 0]) < 125
        along, down = quad[1] - quad[0], quad[3] - quad[0]
        assert along[0] > 0
        assert along[0] * down[1] - along[1] * down[0] > 0
