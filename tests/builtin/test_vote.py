"""The node `vote`: one right read a passage, and a reason where there is none."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from flowalpr import Box, Detection, Frame, Message, Passage, PlateRead, Stamp
from flowalpr.plates.alphabet import ALIKE
from flowalpr.testing import NOON, feed, plate_read
from flowalpr_builtin.filters import visits
from flowalpr_builtin.filters.vote import Vote

SHARP = np.full((100, 200, 3), 240, np.uint8)
cv2.putText(SHARP, "AB123", (62, 58), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (20, 20, 20), 2)
PLATE = Box(60, 36, 140, 62)


def sight(
    text: str = "AB123",
    at: float = 0.0,
    confidence: float = 0.95,
    *,
    track: int | None = 1,
    box: Box = PLATE,
    image: NDArray[np.uint8] = SHARP,
    number: int = -1,
    camera: str = "gate",
) -> PlateRead:
    stamp = Stamp(camera, NOON + timedelta(seconds=at), round(at * 10) if number < 0 else number)
    detection = Detection(Frame(image, stamp), box, 0.9, track=track)
    return PlateRead(text, confidence, detection, confidences=(confidence ** (1 / max(1, len(text))),) * len(text))


def blanks(track: int = 1, *, since: float = 0.0, count: int = 5, **more: object) -> list[PlateRead]:
    return [sight("", since + each / 10, 0.0, track=track, **more) for each in range(count)]


def passages(node: Vote, *reads: PlateRead) -> list[Passage]:
    return [each for each in feed(node, *reads) if isinstance(each, Passage)]


def told(given: list[Message] | list[Passage]) -> list[tuple[str, str]]:
    return [(each.stage, each.text or each.reason) for each in given if isinstance(each, Passage)]


def misread(text: str, clear: float, random: np.random.Generator) -> tuple[str, float]:
    """What a reader might make of a plate that is so clear (0..1), and how sure it is of that, mostly rightly so."""
    said, sure = "", 1.0
    for character in text:
        doubt = (1 - clear) * random.uniform(0, 0.6)
        others = list(ALIKE.get(character, {"X": 1.0}))
        lost = random.random() < 0.05 * doubt
        said += "" if lost else random.choice(others) if random.random() < doubt else character
        sure *= 1 - doubt
    return said, sure


def test_passages_are_right_far_more_often_than_single_reads_and_told_once() -> None:
    random = np.random.default_rng(7)
    truth, reads, right_reads = [], [], 0
    for car in range(50):
        text = "".join(random.choice(list("ABDGSZ"), 2)) + "".join(random.choice(list("0125689"), 4))
        truth.append(text)
        for frame in range(10):
            said, sure = misread(text, 0.3 + 0.065 * frame, random)
            right_reads += said == text
            reads.append(sight(said, 3.0 * car + frame / 10, sure, track=car))
    given = passages(Vote(at_least=0.3), *reads)
    tracks = [each.detection.track for each in given]
    assert len(tracks) == len(set(tracks)), "none is told twice"
    assert right_reads < 300, "of 500"
    assert sum(each.text == truth[each.detection.track or 0] for each in given) >= 48, "of 50"


def test_many_reads_of_one_track_are_one_passage_with_its_whole_account() -> None:
    texts = ["AB123", "A8123", "AB123", "AB12", "AB123"]
    reads = [sight(text, at / 10, 0.8, box=Box(60 - at, 36, 140, 62 + at)) for at, text in enumerate(texts)]
    (passage,) = passages(Vote(give=("gone",)), *reads, *blanks(since=0.5, count=3))
    assert (passage.text, passage.reason, passage.stage) == ("AB123", "read", "gone")
    assert passage.readings[0] == ("AB123", 3)
    assert {text for text, _ in passage.readings} == {"AB123", "A8123", "AB12"}
    assert (passage.seen, passage.reads) == (8, 5)
    assert passage.first == NOON
    assert passage.last == NOON + timedelta(seconds=0.7)
    assert passage.confidence > 0.8
    assert passage.detection.track == 1


def test_the_evidence_is_the_whole_frame_of_the_decisive_read() -> None:
    blurred = cv2.GaussianBlur(SHARP, (0, 0), 1.5)
    reads = [
        sight("A8123", 0.0, 0.95),
        sight("AB123", 0.1, 0.93, image=blurred),
        sight("AB123", 0.2, 0.93),
        sight("AB123", 0.3, 0.93, image=blurred),
    ]
    (passage,) = passages(Vote(), *reads)
    assert passage.text == "AB123"
    assert passage.detection is reads[2].detection
    assert passage.stamp is reads[2].stamp
    assert passage.frame.image is SHARP


def test_a_sure_text_is_final_while_the_car_is_there_and_told_once() -> None:
    node = Vote(give=("preview", "final", "gone"))
    node.open()
    given = [(at, told(list(node.process(sight("AB123", at / 10))))) for at in range(5)]
    assert given == [(0, [("preview", "AB123")]), (1, []), (2, [("final", "AB123")]), (3, []), (4, [])]
    assert list(node.due(NOON + timedelta(seconds=0.5))) == []
    (gone,) = node.due(NOON + timedelta(seconds=2.5))
    assert (gone.stage, gone.text, gone.seen, gone.last) == ("gone", "AB123", 5, NOON + timedelta(seconds=0.4))
    assert list(node.process(sight("AB123", 2.6))) == [], "a read that comes late"


def grown(by: float) -> Box:
    return Box(PLATE.left, PLATE.top, PLATE.left + by * PLATE.width, PLATE.top + by * PLATE.height)


def told_at(*texts: str, nearer: float = 0.0) -> list[tuple[int, str]]:
    """After how many of these reads of a plate, each so much larger than the last, what was told of it."""
    node = Vote()
    node.open()
    reads = [sight(text, at / 10, box=grown(1 + nearer * at)) for at, text in enumerate(texts)]
    return [(at, each.text) for at, read in enumerate(reads, 1) for each in node.process(read)]


def test_half_a_plate_is_not_told_while_its_car_comes_nearer() -> None:
    assert told_at("A77", "A77", "A77", "A77", "A77MOC", "A77MOC", "A77MOC") == [(7, "A77MOC")]
    assert told_at("A77MO", "A77MOC1", "A77MO", "A77MO", "A77MOC1", "A77MOC1") == [(6, "A77MOC1")]


def test_a_short_text_is_told_as_soon_as_a_nearer_plate_says_the_same() -> None:
    assert told_at(*["A77"] * 6, nearer=0.08) == [(5, "A77")]


def test_all_that_is_told_of_a_passage_bears_one_id() -> None:
    given = passages(Vote(give=("preview", "final", "gone")), *(sight("AB123", at / 10) for at in range(4)))
    assert told(given) == [("preview", "AB123"), ("final", "AB123"), ("gone", "AB123")]
    assert len({each.id for each in given}) == 1


def test_a_passage_of_a_recording_has_the_same_id_whenever_the_recording_is_run() -> None:
    def ids(source: str) -> list[str]:
        reads = [sight(text, 60.0 * track, track=track) for track, text in enumerate(("AB123", "CD456")) for _ in "123"]
        recorded = [replace(each, detection=_of_file(each.detection, source)) for each in reads]
        return [each.id for each in passages(Vote(), *recorded)]

    assert len(set(ids("gate.mp4"))) == 2
    assert ids("gate.mp4") == ids("gate.mp4") != ids("other.mp4")
    assert not set(ids("")) & set(ids("")), "of a camera, each is new"


def _of_file(found: Detection, source: str) -> Detection:
    return replace(found, frame=replace(found.frame, source=source))


def test_a_car_that_stands_is_told_though_it_is_not_sure() -> None:
    reads = [sight("AB123", 0.0, 0.7), *blanks(since=0.5, count=30)]
    node = Vote()
    node.open()
    when = [read.stamp.time for read in reads for _ in node.process(read)]
    assert when == [NOON + timedelta(seconds=2)]


def test_a_parked_car_is_told_once_in_hours() -> None:
    reads = [sight("AB123" if at < 5 else "", at * 10.0 if at > 5 else at / 10) for at in range(1000)]
    assert len(passages(Vote(gone=timedelta(seconds=20)), *reads)) == 1


def test_a_track_that_broke_is_still_one_passage() -> None:
    reads = [sight("AB123", at / 10, track=1) for at in range(4)]
    reads += [sight("A8123", 3.0 + at / 10, track=2) for at in range(4)]
    node = Vote()
    assert told(passages(node, *reads)) == [("final", "AB123")]
    assert node.tallies() == {"read": 1, "seen again": 1}


def test_the_next_car_with_a_like_number_is_a_passage_of_its_own() -> None:
    gone = Box(60, 66, 140, 92)
    reads = [sight("AB123", at / 10, track=1, box=gone if at else PLATE) for at in range(4)]
    elsewhere = Box(400, 10, 480, 36)
    wide = np.concatenate([SHARP] * 3, axis=1)
    reads += [sight("AB124", 1.0 + at / 10, track=2, box=elsewhere, image=wide) for at in range(4)]
    assert [each.text for each in passages(Vote(), *reads)] == ["AB123", "AB124"]


def test_a_plate_that_comes_back_later_is_told_again() -> None:
    reads = [sight("AB123", at / 10 + 60 * round_, track=round_) for round_ in (1, 2) for at in range(4)]
    assert len(passages(Vote(), *reads)) == 2


def test_two_cars_side_by_side_and_two_cameras_are_kept_apart() -> None:
    reads = [
        sight(text, at / 10, track=track, camera=camera)
        for at in range(4)
        for text, track, camera in (("AB123", 1, "gate"), ("CD456", 2, "gate"), ("AB123", 1, "exit"))
    ]
    given = [(each.stamp.camera, each.text) for each in passages(Vote(), *reads)]
    assert sorted(given) == [("exit", "AB123"), ("gate", "AB123"), ("gate", "CD456")]


def test_without_tracks_reads_that_look_alike_are_one_passage() -> None:
    reads = [sight(text, at / 10, track=None) for at, text in enumerate(["AB123", "XY999", "A8123", "AB123", "XY999"])]
    assert sorted(each.text for each in passages(Vote(), *reads)) == ["AB123", "XY999"]


def test_a_format_puts_the_fused_text_right() -> None:
    reads = [sight("KS15A8C", at / 10, 0.8) for at in range(3)]
    (passage,) = passages(Vote(countries=("GB",)), *reads)
    assert (passage.text, passage.country, passage.raw) == ("KS15ABC", "GB", "KS15A8C")
    assert passage.repairs == ("6: 8 -> B",)


TINY, DIM = Box(60, 40, 76, 44), cv2.GaussianBlur(SHARP, (0, 0), 6)


@pytest.mark.parametrize(
    ("reads", "reason"),
    [
        ([sight("AB123", at / 10, 0.1) for at in range(3)], "low confidence"),
        (blanks(), "low confidence"),
        (blanks(box=TINY), "too small"),
        ([sight("AB123", at / 10, box=TINY) for at in range(3)], "too small"),
        (blanks(image=DIM), "blurred"),
        ([sight("", at / 10, 0.0, number=9 * at) for at in range(3)], "overload"),
        (blanks(box=Box(0, 36, 80, 62)), "left the zone"),
        ([sight("1Q1Q1Q1Q", at / 10) for at in range(3)], "format"),
    ],
)
def test_a_passage_without_a_plate_says_why(reads: list[PlateRead], reason: str) -> None:
    node = Vote(unread=True, countries=("GB",), keep="matching")
    (passage,) = passages(node, *reads)
    assert (passage.text, passage.confidence, passage.reason) == ("", 0.0, reason)
    assert passage.seen == len(reads)
    assert passage.frame.image is reads[0].frame.image, "to look at what went wrong"
    assert node.tallies() == {"read": 0, reason: 1}
    quiet = Vote(countries=("GB",), keep="matching")
    assert passages(quiet, *reads) == []
    assert quiet.tallies() == {"read": 0, reason: 1}


def test_a_single_sight_that_gave_no_read_is_no_passage() -> None:
    node = Vote(unread=True)
    assert passages(node, *blanks(count=1)) == []
    assert node.tallies() == {"read": 0}


def test_what_looks_like_a_plate_in_one_frame_alone_must_be_surer_than_what_stays() -> None:
    assert [each.text for each in passages(Vote(), sight("AB123", 0.0, 0.79))] == []
    assert [each.text for each in passages(Vote(), sight("AB123", 0.0, 0.81))] == ["AB123"]
    assert [each.text for each in passages(Vote(alone=0), sight("AB123", 0.0, 0.6))] == ["AB123"]
    assert [each.text for each in passages(Vote(), *(sight("AB123", at / 10, 0.6) for at in range(2)))] == ["AB123"]


@pytest.mark.parametrize(
    ("boxes", "direction"),
    [
        ((Box(60, 36, 140, 56), Box(60, 36, 164, 62)), "towards"),
        ((Box(60, 36, 164, 62), Box(60, 36, 140, 56)), "away"),
        ((Box(20, 36, 60, 46), Box(100, 36, 140, 46)), "right"),
        ((Box(100, 36, 140, 46), Box(20, 36, 60, 46)), "left"),
        ((PLATE, PLATE), None),
    ],
)
def test_the_direction_is_told_by_size_and_place(boxes: tuple[Box, Box], direction: str | None) -> None:
    (passage,) = passages(Vote(), *(sight("AB123", at / 10, box=box) for at, box in enumerate(boxes)))
    assert passage.direction == direction


LINE = ((0.0, 0.5), (1.0, 0.5))
DOWN = (Box(60, 10, 140, 36), Box(60, 40, 140, 66), Box(60, 70, 140, 96))


@pytest.mark.parametrize("line", [LINE, ((0.0, 50.0), (200.0, 50.0))])
def test_a_line_tells_in_from_out(line: tuple[tuple[float, float], tuple[float, float]]) -> None:
    def direction(*boxes: Box) -> str | None:
        (passage,) = passages(Vote(line=line, give=("gone",)), *(sight(at=at, box=b) for at, b in enumerate(boxes)))
        return passage.direction

    assert direction(*DOWN) == "in"
    assert direction(*DOWN[::-1]) == "out"
    assert direction(DOWN[0], DOWN[1], DOWN[0]) is None, "it turned back"


def test_memory_is_bounded_in_cars_frames_and_plates_told() -> None:
    node = Vote(unread=True)
    node.open()
    given = [each for track in range(300) for each in node.process(sight("", track / 100, 0.0, track=track))]
    given += [each for track in range(300) for each in node.process(sight("", 3 + track / 100, 0.0, track=track))]
    camera = node._cameras["gate"]
    assert len(camera.open) == visits.MOST
    whole = [each for each in camera.open if each.evidence().frame.image is SHARP]
    assert len(whole) <= visits.MOST_WHOLE
    assert given == [], "all seen once only"


def test_a_camera_whose_clock_is_wrong_is_heard_none_the_less() -> None:
    node = Vote()
    node.open()
    for at in range(2):
        assert list(node.process(sight("AB123", at / 10 - 7200, 0.9))) == []
    assert list(node.due(NOON)) == []
    assert list(node.due(NOON + timedelta(seconds=1.9))) == []
    assert told(list(node.due(NOON + timedelta(seconds=2)))) == [("final", "AB123")]


def test_plates_are_not_in_what_is_logged() -> None:
    (passage,) = passages(Vote(), *(sight("AB123", at / 10) for at in range(3)))
    assert "AB123" not in repr(passage)
    assert set(plate_read().record()) < set(passage.record())


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([None, 1, 2, 3]), st.sampled_from(["", "AB123", "A8123", "XY9"]), st.integers(0, 40)),
        max_size=25,
    )
)
def test_no_passage_is_final_twice_and_none_is_gone_before(seen: list[tuple[int | None, str, int]]) -> None:
    at, reads = 0.0, []
    for track, text, later in seen:
        at += later / 10
        reads.append(sight(text, at, 0.9, track=track))
    given = passages(Vote(give=("preview", "final", "gone"), unread=True), *reads)
    stages = {each.id: [other.stage for other in given if other.id == each.id] for each in given}
    allowed = (["final", "gone"], ["preview", "final", "gone"], ["preview"])
    assert all(each in allowed for each in stages.values())
