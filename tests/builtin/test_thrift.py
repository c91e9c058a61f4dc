"""Reading is not spent on cars that stand, nor on plates that are known."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from support.models import stripe_reader

from flowalpr import Box, Detection, Detections, Frame, PlateRead, Stamp
from flowalpr.testing import NOON, plate_frame
from flowalpr_builtin.ocr import thrift
from flowalpr_builtin.ocr.ocr import Ocr
from flowalpr_builtin.ocr.thrift import Thrift


def found(at: float, *tracks: int | None, left: float = 100, height: float = 25, camera: str = "gate") -> Detections:
    frame = Frame(np.zeros((9, 16, 3), np.uint8), Stamp(camera, NOON + timedelta(seconds=at), round(at * 10)))
    boxes = [Box(left, 200 * row, left + 4 * height, 200 * row + height) for row in range(len(tracks))]
    return Detections(
        frame, tuple(Detection(frame, box, 0.9, track=track) for box, track in zip(boxes, tracks, strict=True))
    )


def read(thrifty: Thrift, seen: Detections, text: str = "AB123", confidence: float = 0.95) -> int:
    """Reads what is worth reading as `text`; how many that were."""
    wanted = thrifty.worth_reading(seen)
    thrifty.complete(seen, [PlateRead(text, confidence, each) for each in wanted])
    return len(wanted)


def test_a_moving_plate_is_read_until_three_sure_reads_agree() -> None:
    thrifty = Thrift(3, 0.9)
    assert [read(thrifty, found(at / 10, 1, left=20 * at)) for at in range(8)] == [1, 1, 1, 0, 0, 0, 0, 0]


def test_unsure_and_differing_reads_do_not_count() -> None:
    thrifty = Thrift(2, 0.9)
    said = [("AB123", 0.8), ("AB123", 0.95), ("A8123", 0.95), ("AB123", 0.95), ("AB123", 0.95)]
    spent = [read(thrifty, found(at / 10, 1, left=20 * at), *each) for at, each in enumerate(said)]
    assert spent == [1, 1, 1, 1, 0]


def test_a_known_plate_that_becomes_much_larger_is_read_again() -> None:
    thrifty = Thrift(1, 0.9)
    assert [read(thrifty, found(at, 1, height=height)) for at, height in enumerate((20, 25, 31, 40))] == [1, 0, 1, 0]


def test_what_may_be_half_a_plate_is_read_until_it_has_come_nearer() -> None:
    def spent(*seen: tuple[str, float]) -> list[int]:
        thrifty = Thrift(2, 0.9)
        return [read(thrifty, found(at / 10, 1, left=20 * at, height=h), text) for at, (text, h) in enumerate(seen)]

    assert spent(*[("A77", 25)] * 4, ("A77MOC", 26), ("A77MOC", 26), ("A77MOC", 26)) == [1, 1, 1, 1, 1, 1, 0]
    assert spent(("A77", 25), ("A77", 28), ("A77", 31), ("A77", 33), ("A77", 34)) == [1, 1, 1, 1, 0]


def test_a_standing_car_that_cannot_be_read_is_tried_ever_more_seldom() -> None:
    thrifty = Thrift(3, 0.9)
    tries = [at / 10 for at in range(36_000) if read(thrifty, found(at / 10, 1), confidence=0.3)]
    assert len([at for at in tries if at <= 2]) == 5
    assert len(tries) < 130, "in an hour; each try costs 10 ms"
    assert read(thrifty, found(3600, 1, left=110), confidence=0.3), "it moves again"


def test_a_moving_plate_read_many_times_in_vain_is_tried_seldom_until_it_is_larger() -> None:
    thrifty = Thrift(3, 0.9)
    spent = [read(thrifty, found(at / 10, 1, left=20 * at), confidence=0.3) for at in range(40)]
    assert spent[:12] == [1] * 12
    assert sum(spent[12:]) < 6
    assert read(thrifty, found(4, 1, left=800, height=29), confidence=0.3)


def test_a_clock_set_back_does_not_stop_reading() -> None:
    thrifty = Thrift(3, 0.9)
    assert [read(thrifty, found(at, 1), confidence=0.3) for at in (100, 100.1, 100.2, 0, 0.1)] == [1, 1, 0, 1, 0]


def test_plates_without_a_track_are_always_read_and_give_no_empty_reads() -> None:
    thrifty = Thrift(1, 0.9)
    assert [read(thrifty, found(at, None)) for at in range(3)] == [1, 1, 1]
    assert thrifty.complete(found(3, None), []) == []


def test_each_camera_and_track_is_known_for_itself() -> None:
    thrifty = Thrift(1, 0.9)
    assert read(thrifty, found(0, 1)) == 1
    assert read(thrifty, found(0, 1, camera="exit")) == 1
    assert read(thrifty, found(1, 1, 2)) == 1


def test_0_reads_all() -> None:
    thrifty = Thrift(0, 0.9)
    assert [read(thrifty, found(at, 1)) for at in range(3)] == [1, 1, 1]


def test_memory_is_bounded() -> None:
    thrifty = Thrift(1, 0.9)
    for track in range(thrift.MOST_TRACKS + 9):
        read(thrifty, found(track, track))
    assert [len(each) for each in thrifty._tracks.values()] == [thrift.MOST_TRACKS]


@given(st.lists(st.sampled_from([None, 1, 2, 3]), unique=True, max_size=4), st.sets(st.integers(0, 3)))
def test_every_tracked_plate_gives_one_read_in_the_order_found(tracks: list[int | None], legible: set[int]) -> None:
    seen = found(0, *tracks)
    reads = [PlateRead("AB1", 0.9, each) for at, each in enumerate(seen.found) if at in legible]
    given_on = Thrift(3, 0.9).complete(seen, reads[::-1])
    expected = [each for at, each in enumerate(seen.found) if at in legible or each.track is not None]
    assert [each.detection for each in given_on] == expected
    assert all(bool(each.text) == (each in reads) for each in given_on)


def test_the_reader_tells_how_much_it_was_spared(tmp_path) -> None:
    node = Ocr(model=str(stripe_reader(tmp_path / "stripes")), enough=1, sure=0.0)
    node.open()
    image = plate_frame("").image.copy()
    image[50:90, 100:292] = np.repeat(np.array([127, 0, 127, 255] + [127] * 8, np.uint8), 16)[None, :, None]
    frame = replace(plate_frame(""), image=image)
    detection = Detection(frame, Box(100, 50, 292, 90), 0.9, track=7)
    texts = [[read.text for read in node.process(Detections(frame, (detection,)))] for _ in range(4)]
    assert texts == [["AB"], ["AB"], [""], [""]], "short, so looked at twice; then it stands"
    assert node.tallies() == {"plates looked at": 2, "spared": 2}
