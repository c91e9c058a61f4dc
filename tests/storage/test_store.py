"""The store of reads: what is appended is found, what is erased is gone, and nobody else reads any of it."""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from flowalpr.errors import FlowError
from flowalpr.events import Listed
from flowalpr.storage import AlteredError, Query, ReadStore
from flowalpr.testing import NOON, passage, plate_read

Opened = Callable[..., ReadStore]
HOSTILE = ["A" * 500, "🚗🚓", "'; DROP TABLE reads;--", "../../etc/passwd", "a\nb", "%_*?", "A\udc80\0B"]


def texts(store: ReadStore, **asked: object) -> list[str]:
    return [each.text for each in store.iterate(Query(**asked))]  # type: ignore[arg-type]


def bytes_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_read_is_stored_with_all_that_its_record_says(opened: Opened) -> None:
    read = replace(plate_read("AB123CD", 0.9, camera="gate", number=7, at=0.5), country="GB", raw="4B123CD")
    read = replace(read, repairs=("1: 4 -> A",), listed=(Listed("stolen", "AB123CD", "alert", "Ann's"),))
    store = opened()
    store.append([read])
    stored = store.search(Query())[0].record()
    expected = {name: value for name, value in read.record().items() if value not in (None, "", [])}
    assert {name: stored[name] for name in expected} == expected
    assert stored["pictures"] == []


def test_a_passage_keeps_its_account(opened: Opened) -> None:
    store, told = opened(), passage("AB123", reason="read")
    store.append([told])
    stored = store.search(Query())[0].record()
    kept = ("type", "reason", "stage", "first", "last", "seen", "reads", "readings")
    assert {name: stored[name] for name in kept} == {name: told.record()[name] for name in kept}


def test_nothing_of_a_plate_stands_in_any_file_of_a_sealed_store(opened: Opened, tmp_path: Path) -> None:
    store = opened()
    store.append([replace(plate_read("SECRET7"), raw="SECRE77", listed=(Listed("l", "SECRET7", "deny", "Ann"),))])
    held = bytes_of(tmp_path)
    assert b"SECRET" not in held
    assert b"SECRE77" not in held
    assert b"Ann" not in held
    store.close()
    assert b"SECRET" not in bytes_of(tmp_path)


def test_without_a_seal_the_text_can_be_read_by_whoever_has_the_file(
    opened: Opened, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = opened(seal=False)
    store.append([plate_read("OPEN77")])
    assert texts(store, text="OPEN77") == ["OPEN77"]
    assert texts(store, text="0PEN7?", alike=0.2) == ["OPEN77"]
    assert b"OPEN77" in bytes_of(tmp_path)
    assert "reads every plate in it" in caplog.text


def test_all_files_are_for_their_owner_alone(opened: Opened, tmp_path: Path) -> None:
    store = opened(tmp_path / "new" / "plates.db")
    store.append([plate_read("AB1")], kinds=("crop",))
    for path in tmp_path.rglob("*"):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077 or path == tmp_path / "state", path


def test_the_same_read_is_stored_once_also_after_a_restart(opened: Opened) -> None:
    read = plate_read("AB1")
    store = opened()
    store.append([read, read])
    store.close()
    again = opened()
    again.append([read, plate_read("CD2", at=1)])
    assert texts(again) == ["CD2", "AB1"]


def test_a_later_stage_of_a_passage_replaces_an_earlier_and_never_the_other_way_round(opened: Opened) -> None:
    store = opened()
    preview = replace(passage("AB123"), stage="preview")
    final = replace(preview, text="AB124", stage="final")
    gone = replace(final, stage="gone", direction="in")
    store.append([preview, final])
    assert texts(store) == ["AB124"]
    store.append([gone])
    store.append([preview])
    assert [each.values["stage"] for each in store.search(Query())] == ["gone"]
    assert texts(store, text="AB123") == []
    assert texts(store, text="AB124", directions=("in",)) == ["AB124"]


def test_what_a_person_corrected_stays_and_is_found_by_its_new_text_alone(opened: Opened) -> None:
    store, told = opened(), passage("AB123")
    store.append([told])
    corrected = store.correct(told.id, "AB128")
    assert corrected
    assert corrected.text == "AB128"
    store.append([replace(told, stage="gone")])
    assert texts(store, text="AB128") == ["AB128"]
    assert texts(store, text="AB123") == []
    assert store.search(Query())[0].corrected is not None
    assert store.correct("nobody", "X") is None


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_stored_and_found_as_it_is(opened: Opened, text: str) -> None:
    store = opened()
    read = replace(plate_read(text, camera=text), id=text)
    store.append([read, plate_read("AB1")], kinds=("crop",))
    kept = text.replace("\udc80", "\\udc80").replace("\0", "\\x00")
    found = store.search(Query(cameras=(kept,)))
    assert [(each.text, each.camera) for each in found] == [(kept, kept)]
    if not set(text) & {"?", "*"}:
        assert kept in texts(store, text=kept)
    assert store.picture(found[0].id)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"text": "ab-123 cd"}, ["AB123CD"]),
        ({"text": "AB12?C*"}, ["AB128CD", "AB123CD"]),
        ({"text": "*CD"}, ["AB128CD", "AB123CD"]),
        ({"text": "*12*"}, ["12", "AB128CD", "AB123CD"]),
        ({"text": "??"}, ["12"]),
        ({"text": "A812BCD"}, []),
        ({"text": "A812BCD", "alike": 0.4}, ["AB128CD"]),
        ({"text": "A812BCD", "alike": 0.3}, []),
        ({"text": "A8*D", "alike": 0.2}, ["AB128CD", "AB123CD"]),
        ({"text": ""}, [""]),
        ({"text": "*", "cameras": ("gate",)}, ["12"]),
        ({"cameras": ("gate", "yard")}, ["12"]),
        ({"since": NOON + timedelta(seconds=3)}, ["12", ""]),
        ({"since": NOON + timedelta(seconds=1), "until": NOON + timedelta(seconds=3)}, ["AB128CD", "AB123CD"]),
        ({"at_least": 0.8}, ["12"]),
        ({"below": 0.1}, [""]),
        ({"lists": ("residents",)}, ["AB128CD"]),
        ({"is_listed": True}, ["AB128CD"]),
        ({"lists": ("resid",)}, []),
        ({"reasons": ("blurred",)}, [""]),
    ],
)
def test_a_query_finds_what_fits(opened: Opened, asked: dict[str, object], expected: list[str]) -> None:
    store = opened()
    listed = (Listed("residents", "AB128CD", "allow"),)
    reads = [
        plate_read("AB123CD", 0.5, at=1),
        replace(plate_read("AB128CD", 0.6, at=2), listed=listed),
        passage("", 0.0, reason="blurred", at=3),
        plate_read("12", 0.9, camera="gate", at=86_400),
    ]
    store.append(reads)
    assert texts(store, **asked) == expected
    assert store.count(Query(**asked)) == len(expected)  # type: ignore[arg-type]


@pytest.mark.parametrize("asked", [{"alike": 0.7}, {"text": "*" * 9}, {"since": NOON.replace(tzinfo=None)}])
def test_what_cannot_be_asked_is_refused(asked: dict[str, object]) -> None:
    with pytest.raises(FlowError):
        Query(**asked)  # type: ignore[arg-type]


def test_pages_follow_one_another_without_gap_or_overlap(opened: Opened) -> None:
    store = opened()
    store.append([plate_read(f"AB{number}", at=number // 3) for number in range(10)])
    for text in (None, "AB*"):
        seen, last = [], None
        while page := store.search(Query(text=text), limit=3, after=last):
            seen += [each.text for each in page]
            last = page[-1]
        assert seen == [f"AB{number}" for number in reversed(range(10))]


def test_pictures_are_kept_sealed_and_go_with_their_read(opened: Opened, tmp_path: Path) -> None:
    store, read = opened(), plate_read("AB1")
    store.append([read, plate_read("CD2")], kinds=("crop", "frame"))
    assert store.picture(read.id, "crop").startswith(b"\xff\xd8")
    folder = tmp_path / "plates.db.pictures"
    assert len([path for path in folder.glob("??/*") if not path.read_bytes()[8:].startswith(b"\xff\xd8")]) == 4
    assert store.drop_pictures(Query(), "frame") == 2
    assert store.search(Query())[0].pictures == ("crop",)
    store.erase([read.id])
    assert len(list(folder.glob("??/*"))) == 1
    with pytest.raises(AlteredError, match="missing"):
        store.picture(read.id)


def test_what_was_erased_does_not_come_back_with_a_later_account(opened: Opened) -> None:
    store, told = opened(), passage("AB123")
    store.append([told])
    assert store.erase([told.id, "nobody"]) == 1
    store.append([replace(told, stage="gone"), plate_read("CD2")], kinds=("crop",))
    assert texts(store) == ["CD2"]


def test_purging_deletes_what_is_due_bit_by_bit_and_then_its_key(opened: Opened) -> None:
    store = opened()
    store.append([plate_read(f"OLD{number}", at=-86_400) for number in range(600)])
    store.append([plate_read("NEW", at=number) for number in range(3)])
    due = Query(until=NOON - timedelta(hours=1))
    assert store.destroy_keys(NOON) == 0
    assert store.purge(due, most=1) == 250
    assert store.purge(due) == 350
    assert texts(store) == ["NEW"] * 3
    assert store.destroy_keys(NOON) == 1
    store.append([plate_read("LATE", at=-86_400)])
    assert texts(store, text="LATE") == ["LATE"]
    with pytest.raises(FlowError):
        store.purge(Query(text="AB1"))


def test_reading_never_shows_a_plate_in_a_repr(opened: Opened) -> None:
    store = opened()
    store.append([plate_read("SECRET7")])
    assert "CRET7" not in repr([*store.search(Query(text="SECRET7")), Query(text="SECRET7"), store.ring.current])
