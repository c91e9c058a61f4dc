"""The node `watchlist`: lists that are edited, broken and deleted while cars come."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from flowalpr import Fault, Listed, PlateRead, SetupError
from flowalpr.plates import normal
from flowalpr.testing import NOON, feed, plate_read
from flowalpr_builtin.filters.list_file import ENDINGS, MOST_BYTES, ListError, read_list
from flowalpr_builtin.filters.list_watch import PAUSE, ListWatch
from flowalpr_builtin.filters.watchlist import Watchlist

CSV = "plate,label,action,until\nAB-12 CDE,Flat 3,allow,\nxy99zzz,Stolen,alert,2026-06-30\nBAD 1,,deny,\n"


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def residents(tmp_path: Path) -> Path:
    return written(tmp_path / "residents.csv", CSV)


@contextmanager
def opened(node: Watchlist) -> Iterator[Watchlist]:
    node.open()
    try:
        yield node
    finally:
        node.close()


def within_a_second(is_so: Callable[[], object]) -> bool:
    """Whether something becomes true within the second that the node promises, or a little later on a busy machine."""
    assert PAUSE * 2 <= 0.5
    end = time.monotonic() + 4.0
    while not is_so():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def listed(node: Watchlist, *texts: str, at: float = 0.0) -> list[tuple[Listed, ...]]:
    return [
        each.listed for each in feed(node, *(plate_read(text, at=at) for text in texts)) if isinstance(each, PlateRead)
    ]


def test_a_plate_matches_however_either_side_writes_it(residents: Path) -> None:
    node = Watchlist(path=residents)
    ((entry,),) = listed(node, "AB12CDE")
    assert entry == Listed("watchlist", "AB12CDE", "allow", "Flat 3")
    assert len(listed(node, "AВ12CDE", "CD34EFG")) == 1  # With a Cyrillic B.


def test_a_look_alike_matches_as_far_as_is_set(residents: Path) -> None:
    assert [each[0].distance for each in listed(Watchlist(path=residents), "A812CDE")] == [0.2]
    assert listed(Watchlist(path=residents, alike=0.1), "A812CDE") == []
    assert listed(Watchlist(path=residents, alike=0.9), "AB12CD", "AB12CDEE", "AB12CDK") == []


@pytest.mark.parametrize(
    ("keep", "texts"),
    [
        ("all", ["AB12CDE", "XY99ZZZ", "BAD1", "NEW1"]),
        ("listed", ["AB12CDE", "XY99ZZZ", "BAD1"]),
        ("unlisted", ["NEW1"]),
        ("allow", ["AB12CDE"]),
        ("deny", ["BAD1"]),
        ("alert", ["XY99ZZZ"]),
    ],
)
def test_what_is_kept_is_what_was_asked_for(residents: Path, keep: str, texts: list[str]) -> None:
    node = Watchlist.model_validate({"path": residents, "keep": keep})
    given = feed(node, *map(plate_read, ("AB12CDE", "XY99ZZZ", "BAD1", "NEW1")))
    assert [each.text for each in given if isinstance(each, PlateRead)] == texts
    assert node.tallies() == {"allow": 1, "deny": 1, "alert": 1, "unlisted": 1}


def test_a_read_bears_the_entries_of_all_lists_that_it_met(residents: Path, tmp_path: Path) -> None:
    stolen = Watchlist(path=written(tmp_path / "stolen.yaml", "- AB12CDE\n"), keep="all")
    stolen.place("stolen")
    (read,) = feed(Watchlist(path=residents), plate_read("AB12CDE"))
    (read,) = feed(stolen, read)
    (read,) = feed(stolen, read)
    assert isinstance(read, PlateRead)
    assert [(each.list, each.action) for each in read.listed] == [("watchlist", "allow"), ("stolen", "alert")]
    assert [each["label"] for each in read.record()["listed"]] == ["Flat 3", ""]
    assert "12CDE" not in repr(read.listed)
    assert "Flat" not in repr(read.listed)


def test_the_nearest_entry_counts_and_of_equals_the_gravest(tmp_path: Path) -> None:
    path = written(tmp_path / "list.csv", "plate,action\nAB1,allow\nAB1,deny\nAB1,alert\nA81,allow\n")
    assert [each[0].action for each in listed(Watchlist(path=path), "AB1", "A81", "ABI")] == ["deny", "allow", "deny"]


def test_plates_listed_twice_are_told_by_their_lines_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ListWatch(written(tmp_path / "list.csv", "plate\nSECRET1\nAB2\nsecret-1\n"), "deny", 0.2)
    assert "more than once (entries 2, 4)" in caplog.text
    assert "secret" not in caplog.text.lower()


def test_an_entry_ends_with_its_last_day_here(tmp_path: Path) -> None:
    path = written(
        tmp_path / "list.csv", "plate,until\nAB1,2026-01-01\nAB2,2025-12-31\nAB3,9999-12-31\nAB4,2026-01-01T12:00:01Z\n"
    )
    here = datetime(2026, 1, 2).astimezone()
    end = (here - NOON).total_seconds()
    assert [each[0].plate for each in listed(Watchlist(path=path), "AB1", "AB2", "AB3", "AB4")] == ["AB1", "AB3", "AB4"]
    assert [each[0].plate for each in listed(Watchlist(path=path), "AB1", "AB4", at=end - 0.001)] == ["AB1"]
    assert listed(Watchlist(path=path), "AB1", at=end) == []


@pytest.mark.parametrize(("day", "ends"), [("2026-03-29", "2026-03-29T22"), ("2026-10-25", "2026-10-25T23")])
def test_a_day_of_23_or_25_hours_is_over_at_midnight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, day: str, ends: str
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        (entry,) = read_list(written(tmp_path / "list.csv", f"plate,until\nAB1,{day}\n"), "allow")
    finally:
        monkeypatch.undo()
        time.tzset()
    assert entry.until == datetime.fromisoformat(f"{ends}:00:00+00:00")


@pytest.mark.parametrize("ending", ["csv", "yaml", "db"])
def test_an_edit_is_effective_within_a_second(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"list.{ending}"

    def write(plate: str) -> None:
        if ending == "db":
            with closing(sqlite3.connect(path)) as database, database:
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("CREATE TABLE IF NOT EXISTS watchlist (plate TEXT, action TEXT)")
                database.execute("INSERT INTO watchlist VALUES (?, 'deny')", [plate])
        else:
            written(
                path, f"plate,action\n{plate},deny\n" if ending == "csv" else f"- {{plate: {plate}, action: deny}}\n"
            )

    write("OLD1")
    with opened(Watchlist(path=path)) as node:
        assert node.process(plate_read("NEW1")) is None
        write("NEW1")
        assert within_a_second(lambda: node.process(plate_read("NEW1")))


def test_a_broken_a_missing_and_a_huge_file_leave_the_old_list_and_are_told_once(residents: Path) -> None:
    watch = ListWatch(residents, "allow", 0.2)

    def told() -> list[str]:
        for _ in range(4):
            watch.look()
        return [watch.errors.get() for _ in range(watch.errors.qsize())]

    assert told() == []
    written(residents, "plate,action\nAB1,allow\nSECRET1,perhaps\n")
    assert told() == [
        f"{residents}:3: an action is one of allow, deny, alert, or empty; "
        "the list of 3 entries read before stays in use"
    ]
    residents.unlink()
    assert [each.split(";")[0] for each in told()] == [f"{residents} is not there"]
    written(residents, "plate\nAB1\n")
    os.truncate(residents, MOST_BYTES + 1)  # The disk holds but one block of it.
    assert "has 200.00 MB, and at most 200 are read" in told()[0]
    assert len(watch.plates.find("AB12CDE")) == 1
    written(residents, "plate\nAB1\n")
    assert told() == []
    assert len(watch.plates.find("AB12CDE")) == 0


def test_a_file_that_is_still_being_written_is_not_read(residents: Path) -> None:
    watch = ListWatch(residents, "allow", 0.2)
    with residents.open("w") as file:
        for line in ("plate\n", "AB1\n", "AB2\n"):
            file.write(line)
            file.flush()
            watch.look()
            assert len(watch.entries) == 3
    watch.look()
    assert [entry.plate for entry in watch.entries] == ["AB1", "AB2"]


def test_the_error_of_a_broken_list_comes_out_of_the_flow_as_a_fault(residents: Path) -> None:
    with opened(Watchlist(path=residents)) as node:
        residents.unlink()
        faults: list[Fault] = []

        def comes() -> list[Fault]:
            faults.extend(node.due(NOON))
            return faults

        assert within_a_second(comes)
        assert "is not there; the list of 3 entries read before stays in use" in faults[0].error


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("list.csv", "", "expected the column plate"),
        ("list.csv", "SECRET1\nSECRET2\n", "a column is unknown; expected plate, label, action, until"),
        ("list.csv", "plate,untill\nAB1,\n", "did you mean 'until'?"),
        ("list.csv", "plate\nAB1,allow\n", ":2: 2 values for 1 columns"),
        ("list.csv", "plate,until\nAB1,31.12.2026\n", ":2: until is a day (2026-12-31)"),
        ("list.csv", "plate\n-- --\n", "1 to 20 letters and digits, and this has 0"),
        ("list.csv", f"plate\n{'A' * 21}\n", "and this has 21"),
        ("list.csv", 'plate\n"AB1\n', "cannot be read: unexpected end of data"),
        ("list.csv", f"plate,label\nAB1,{'x' * 201}\n", "at most 200 characters"),
        ("list.yaml", "plate: AB1", "expected a list"),
        ("list.yaml", "- [AB1]", "plate is list; expected text"),
        ("list.yaml", "- {plate: AB1", ":1: "),
        ("list.yaml", "[" * 700, "list"),
        ("list.db", "no database at all, but text " * 99, "file is not a database"),
    ],
)
def test_a_broken_list_is_refused_with_the_place_and_without_its_plates(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    with pytest.raises(ListError) as error:
        read_list(written(tmp_path / name, text), "allow")
    assert said in str(error.value)
    assert "SECRET" not in str(error.value)


def test_a_list_in_another_encoding_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes("plate,label\nAB1,Müller\n".encode("cp1252"))
    with pytest.raises(ListError, match="save it as 'CSV UTF-8'"):
        read_list(tmp_path / "list.csv", "allow")


def test_spreadsheets_of_all_countries_are_read(tmp_path: Path) -> None:
    for number, text in enumerate(
        ("plate;label\r\nAB1;a, b\r\n\r\n", '\ufeffplate,Label\nab-1,"a, b"\n', "plate\tlabel\nAB1\ta, b")
    ):
        path = tmp_path / f"{number}.csv"
        path.write_bytes(text.encode())
        assert [(each.plate, each.label) for each in read_list(path, "deny")] == [("AB1", "a, b")]


def test_a_yaml_list_keeps_leading_zeros_and_what_looks_like_no(tmp_path: Path) -> None:
    path = written(tmp_path / "list.yml", "- 0123\n- NO\n- plate: 1e5\n  label: yes\n")
    assert [each.plate for each in read_list(path, "deny")] == ["0123", "NO", "1E5"]


def test_a_hostile_label_becomes_one_printable_line(tmp_path: Path) -> None:
    path = written(tmp_path / "list.csv", 'plate,label\nAB1,"a\x1b[2J\nb\u202ec"\n')
    assert [each.label for each in read_list(path, "deny")] == ["a [2J b c"]


def test_a_flow_does_not_start_without_its_list(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"(?s)none\.csv is not there.*see what there is: ls -l"):
        Watchlist(path=tmp_path / "none.csv").open()
    with pytest.raises(ValidationError, match=r"ends in none of \.csv"):
        Watchlist(path=tmp_path / "list.xlsx")
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(SetupError):
        Watchlist(path=tmp_path / "pipe.csv").open()


def test_an_unread_passage_is_on_no_list(residents: Path) -> None:
    unread = replace(plate_read("X"), text="", raw="")
    assert feed(Watchlist(path=residents), unread) == []
    assert len(feed(Watchlist(path=residents, keep="unlisted"), unread)) == 1


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=80) | st.text("plate,- \n:\"'[{AB1", max_size=40).map(str.encode), st.sampled_from(ENDINGS))
def test_no_content_of_a_file_is_more_than_an_error(content: bytes, ending: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"list{ending}")
        path.write_bytes(content)
        try:
            entries = read_list(path, "allow")
        except ListError:
            return
        assert all(normal(entry.plate) == entry.plate != "" for entry in entries)
