"""The nodes `zone` and `crop`: parts of the picture, before plates are looked for and after."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from flowalpr import Box, Detection, Detections, Frame, Full, Stamp
from flowalpr.testing import NOON, feed
from flowalpr_builtin.filters.crop import GREY, Crop
from flowalpr_builtin.filters.zone import Zone

LEFT_HALF = [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]
TRIANGLE = [[0, 0], [100, 0], [0, 60]]


def frame(width: int = 200, height: int = 100, number: int = 0) -> Frame:
    image = np.random.default_rng(0).integers(1, 100, (height, width, 3), np.uint8)
    image.setflags(write=False)
    return Frame(image, Stamp("gate", NOON, number))


def found(*boxes: tuple[float, float, float, float], picture: Frame | None = None) -> Detections:
    picture = picture or frame()
    return Detections(picture, tuple(Detection(picture, Box(*box), 0.9) for box in boxes))


def kept(node: Zone, detections: Detections) -> list[Box]:
    (result,) = feed(node, detections)
    assert isinstance(result, Detections)
    assert result.frame is detections.frame
    return [each.box for each in result.found]


def test_a_plate_is_where_its_middle_is() -> None:
    boxes = (10, 10, 50, 20), (90, 10, 109, 20), (92, 10, 112, 20)
    assert kept(Zone(inside=LEFT_HALF), found(*boxes)) == [Box(*boxes[0]), Box(*boxes[1])]
    assert kept(Zone(outside=LEFT_HALF), found(*boxes)) == [Box(*boxes[2])]
    assert kept(Zone(inside=LEFT_HALF, outside=[TRIANGLE]), found(*boxes, (60, 80, 80, 90))) == [
        Box(*boxes[1]),
        Box(60, 80, 80, 90),
    ]


def test_pixels_and_shares_say_the_same_also_in_a_part_of_the_picture() -> None:
    picture = frame().cut(Box(100, 50, 200, 100))  # As `crop` gives it: `flowalpr zone draw` knows the whole alone.
    boxes = (110, 60, 120, 64), (170, 60, 190, 64)
    assert kept(Zone(inside=[[100, 50], [150, 50], [150, 100], [100, 100]]), found(*boxes, picture=picture)) == [
        Box(*boxes[0])
    ]
    assert kept(Zone(inside=LEFT_HALF), found(*boxes, (90, 60, 98, 64), picture=picture)) == [Box(90, 60, 98, 64)]
    half = [[0.5, 0], [0.75, 0], [0.75, 1], [0.5, 1]]
    (part,) = feed(Crop(inside=half), picture)
    assert isinstance(part, Frame)
    assert (part.offset, part.width, part.size) == ((100, 50), 50, (200, 100))


def test_plates_too_small_or_too_large_are_dropped_and_counted() -> None:
    node = Zone(min_width=20, max_width=60)
    assert kept(node, found((0, 0, 19, 5), (0, 0, 20, 5), (0, 0, 60, 5), (0, 0, 61, 5))) == [
        Box(0, 0, 20, 5),
        Box(0, 0, 60, 5),
    ]
    assert node.tallies() == {"too small": 1, "too large": 1}


def test_a_frame_without_a_plate_is_passed_on() -> None:
    empty = found()
    assert feed(Zone(inside=LEFT_HALF), empty) == [empty]
    assert kept(Zone(inside=LEFT_HALF), found((150, 0, 160, 5))) == []


POINTS = st.tuples(st.integers(0, 199), st.integers(0, 99))


@given(POINTS, st.sampled_from([LEFT_HALF, TRIANGLE, [[10, 10], [150, 30], [60, 40], [120, 90]]]))
def test_what_is_inside_is_not_outside(point: tuple[int, int], polygon: list[list[float]]) -> None:
    x, y = point
    detections = found((x - 5.25, y - 2.25, x + 5.5, y + 2.5))
    assert len(kept(Zone(inside=polygon), detections)) + len(kept(Zone(outside=polygon), detections)) == 1


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "a zone needs a polygon"),
        ({"inside": [[0, 0], [1, 0]]}, "3 to 100 points, and this has 2"),
        ({"inside": [[0, 0], [1, 0], [0, 1], [1, 1]]}, "sides cross: give its corners in the order"),
        ({"inside": [[0, 0], [50, 50], [100, 100]]}, "lie on one line"),
        ({"inside": [[0.5, 0], [300, 0], [300, 200]]}, "either in shares of the picture, none above 1, or in pixels"),
        ({"inside": [[0, 0], [-1, 0], [0, 5]]}, "greater than or equal to 0"),
        ({"inside": [[0, 0], [float("nan"), 0], [0, 5]]}, "less than or equal to 100000"),
        ({"inside": "0,0 1,1"}, "valid tuple"),
        ({"min_width": 50, "max_width": 40}, "no plate is at least 50 and at most 40 pixels wide"),
    ],
)
def test_a_zone_that_cannot_be_meant_is_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Zone.model_validate(settings)


def test_a_rectangle_is_cut_out_without_a_copy() -> None:
    picture = frame()
    (part,) = feed(Crop(inside=[[50, 20], [150, 20], [150, 80], [50, 80]]), picture)
    assert isinstance(part, Frame)
    assert (part.offset, part.width, part.height, part.stamp) == ((50, 20), 100, 60, picture.stamp)
    assert np.shares_memory(part.image, picture.image)


def test_what_lies_outside_of_a_polygon_is_grey_and_the_rest_as_it_was() -> None:
    picture = frame()
    node = Crop(inside=[[100, 20], [150, 80], [50, 80]], outside=[[[95, 60], [105, 60], [105, 70], [95, 70]]])
    for _ in range(2):  # The second time from memory.
        (part,) = feed(node, picture)
        assert isinstance(part, Frame)
        assert (part.offset, part.width, part.height) == ((50, 20), 100, 60)
        assert np.array_equal(part.image[35, 40:60], picture.image[55, 90:110])
        assert (part.image[0, :40] == GREY).all()
        assert (part.image[42, 46:54] == GREY).all()
        assert not part.image.flags.writeable


def test_what_is_hidden_is_hidden_in_the_main_stream_s_picture_too() -> None:
    picture = frame()
    large = np.full((200, 400, 3), 7, np.uint8)
    picture = replace(picture, full=Full(lambda: large, (2, 2)))
    (part,) = feed(Crop(inside=[[50, 20], [150, 20], [50, 80]]), picture)
    assert isinstance(part, Frame)
    assert part.full is not None
    assert part.full.image.shape == (120, 200, 3)
    assert (part.full.image[2, 2] == 7).all()
    assert (part.full.image[-2, -2] == GREY).all()
    assert (large == 7).all()


def test_a_camera_that_changes_its_size_is_cut_anew() -> None:
    node = Crop(inside=[LEFT_HALF], outside=[[[0, 0], [0.1, 0], [0.1, 0.1]]])
    sizes = [(each.width, each.height) for each in feed(node, frame(), frame(400, 300)) if isinstance(each, Frame)]
    assert sizes == [(100, 100), (200, 300)]


def test_a_polygon_beyond_the_picture_leaves_what_there_is() -> None:
    (part,) = feed(Crop(inside=[[150, 50], [900, 50], [900, 900], [150, 900]]), frame())
    assert isinstance(part, Frame)
    assert (part.offset, part.width, part.height) == ((150, 50), 50, 50)
    with pytest.raises(ValidationError, match="a crop needs a polygon"):
        Crop()
