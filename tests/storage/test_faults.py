"""What goes wrong with a store is named, and the rest of it goes on."""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest

from flowalpr.errors import SetupError
from flowalpr.settings import Secret
from flowalpr.storage import Query, ReadStore, StoreAddress, Writer
from flowalpr.storage.keys import new_master
from flowalpr.testing import NOON, plate_read

Opened = Callable[..., ReadStore]
KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


def altered(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE reads SET sealed = zeroblob(length(sealed)) WHERE camera = 'gate'",
        "UPDATE reads SET time = time + 1 WHERE camera = 'gate'",
        "UPDATE reads SET sealed = (SELECT sealed FROM reads WHERE camera = 'yard') WHERE camera = 'gate'",
        "UPDATE reads SET id = 'other' WHERE camera = 'gate'",
    ],
)
def test_an_altered_read_is_named_and_the_others_are_read(opened: Opened, tmp_path: Path, statement: str) -> None:
    store = opened()
    store.append([plate_read("AB1", camera="gate", at=1), plate_read("CD2", camera="yard")])
    altered(tmp_path / "plates.db", statement)
    found = list(store.iterate(Query()))
    assert [each.text for each in found] == ["", "CD2"]
    assert "it was altered" in found[0].damage
    assert [each.damage != "" for each in store.iterate(Query(text="AB1"))] == [True]


def test_an_altered_key_of_a_day_spoils_that_day_alone(
    opened: Opened, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = opened()
    store.append([plate_read("AB1"), plate_read("AB2", at=86_400)])
    altered(tmp_path / "plates.db", "UPDATE day_keys SET wrapped = zeroblob(61) WHERE day = '2026-01-01'")
    store.ring.forget()
    assert [each.text or each.damage for each in store.iterate(Query())] == [
        "AB2",
        "the key of 2026-01-01 in the database was altered",
    ]
    assert [each.text for each in store.iterate(Query(text="AB?"))] == ["AB2"]
    assert "reads of 2026-01-01 cannot be searched" in caplog.text


def test_around_a_broken_page_all_other_reads_are_read(opened: Opened, tmp_path: Path) -> None:
    path = tmp_path / "plates.db"
    store = opened()
    store.append([plate_read(f"AB{number}", at=number) for number in range(200)])
    store.close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page = database.execute("SELECT max(pageno) FROM dbstat WHERE name = 'reads' AND pagetype = 'leaf'").fetchone()[
            0
        ]
        size = database.execute("PRAGMA page_size").fetchone()[0]
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    again = opened()
    found = list(again.iterate(Query()))
    assert len(found) == 200
    damaged = [each for each in found if each.damage]
    assert 0 < len(damaged) < 50
    assert all("malformed" in each.damage for each in damaged)
    assert {each.text for each in found if not each.damage} > {"AB0", "AB1"}


def test_a_truncated_file_is_told_with_what_to_do(opened: Opened, tmp_path: Path) -> None:
    path = tmp_path / "plates.db"
    store = opened()
    store.append([plate_read(f"AB{number}") for number in range(50)])
    store.close()
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(SetupError, match="restore a back-up"):
        list(opened().iterate(Query()))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("short", "holds no key of 32 bytes"),
        (None, "is not set"),
        (KEY.replace("M", "N", 1), "was sealed with the key"),
    ],
)
def test_a_key_that_does_not_fit_is_told_without_showing_it(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, value: str | None, said: str
) -> None:
    monkeypatch.setenv("KEY", KEY)
    opened(key=Secret("env:KEY")).close()
    if value is None:
        monkeypatch.delenv("KEY")
    else:
        monkeypatch.setenv("KEY", value)
    with pytest.raises(SetupError, match=said) as caught:
        opened(key=Secret("env:KEY"))
    assert value is None or value not in str(caught.value)


def test_a_key_or_a_store_that_others_may_read_is_refused_with_the_remedy(opened: Opened, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text(KEY)
    key.chmod(0o644)
    with pytest.raises(SetupError, match=f"chmod 600 {key}"):
        opened(key=Secret(f"file:{key}"))
    key.chmod(0o600)
    opened(key=Secret(f"file:{key}")).close()
    (tmp_path / "plates.db").chmod(0o640)
    with pytest.raises(SetupError, match="chmod 600"):
        opened(key=Secret(f"file:{key}"))


def test_a_credential_of_systemd_is_a_key(opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "store-key").write_text(KEY)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    store = opened(key=Secret("credential:store-key"))
    store.append([plate_read("AB1")])
    assert store.count(Query(text="AB1")) == 1


def test_a_running_flow_goes_on_when_its_key_is_rotated_by_another_program(opened: Opened) -> None:
    running, other = opened(), opened()
    running.append([plate_read("AB1")])
    other.ring.rotate(new_master(None))
    running.append([plate_read("AB2", at=86_400)])
    assert [each.text for each in opened().iterate(Query(text="AB?"))] == ["AB2", "AB1"]


def test_two_programs_share_a_store_and_each_finds_what_the_other_wrote(opened: Opened) -> None:
    first, second = opened(), opened()
    for number in range(5):
        first.append([plate_read(f"A{number}")], kinds=("crop",))
        second.append([plate_read(f"B{number}")], kinds=("crop",))
    assert first.count(Query(text="??")) == second.count(Query(text="??")) == 10
    assert second.erase([each.id for each in second.iterate(Query(text="A?"))]) == 5
    assert [each.text for each in first.iterate(Query(text="A?"))] == []


def test_a_clock_set_back_costs_nothing(opened: Opened) -> None:
    store = opened()
    store.append([plate_read("NEW", at=86_400)])
    store.append([plate_read("OLD", at=-86_400 * 400)])
    assert [each.text for each in store.iterate(Query(text="*"))] == ["NEW", "OLD"]


def test_a_key_destroyed_by_another_program_is_made_anew_before_anything_is_sealed_with_it(opened: Opened) -> None:
    running, other = opened(), opened()
    running.append([plate_read("AB1")])
    other.purge(Query())
    assert other.destroy_keys(NOON.replace(year=2027)) == 1
    running.append([plate_read("AB2")])
    assert [each.text for each in opened().iterate(Query(text="AB2"))] == ["AB2"]


def test_a_store_on_a_full_disk_loses_no_read_and_leaves_no_picture_without_one(
    opened: Opened, tmp_path: Path, full_disk: Callable[[int], AbstractContextManager[None]]
) -> None:
    writer = Writer(opened(), ("crop",))
    writer.add(plate_read("AB1"))
    with full_disk(100), pytest.raises(SetupError, match="df -h"):
        writer.save()
    writer.close()
    again = opened()
    assert [(each.text, each.pictures) for each in again.iterate(Query())] == [("AB1", ("crop",))]
    assert len(list((tmp_path / "plates.db.pictures").glob("??/*"))) == 1


@pytest.mark.slow
def test_pictures_of_a_killed_program_are_swept_away_when_the_store_is_opened(opened: Opened, tmp_path: Path) -> None:
    code = """
import os, sys
from pathlib import Path
from flowalpr.storage import ReadStore, StoreAddress
from flowalpr.testing import plate_read
store = ReadStore(StoreAddress(Path(sys.argv[1])))
store.append([plate_read("AB1")], kinds=("crop",))
key = store.ring.current(("2026-01-01", "crop", ""))
store._folder().write([("lost", "crop", b"jpeg", key)])
os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "plates.db")], timeout=60, check=False)
    assert done.returncode == -9
    assert len(list((tmp_path / "plates.db.pictures").glob("??/*"))) == 2
    assert opened().count(Query()) == 1
    assert len(list((tmp_path / "plates.db.pictures").glob("??/*"))) == 1


def test_no_log_line_of_a_store_holds_a_plate_or_a_key(opened: Opened, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        store = opened()
        store.append([plate_read("SECRET7")])
        list(store.iterate(Query(text="SECRET7")))
    assert "SECRET7" not in caplog.text
    assert store.ring.master
    assert store.ring.master.secret.hex() not in caplog.text + repr(store.ring.master)


def test_a_file_cannot_be_opened_with_another_idea_of_its_seal(opened: Opened) -> None:
    opened(seal=False).close()
    with pytest.raises(SetupError, match="are not sealed"):
        opened(seal=True)
    assert StoreAddress().seal is None
    opened().close()
