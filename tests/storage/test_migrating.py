"""Files that released versions wrote go on, whole and sealed."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from flowalpr.errors import SetupError
from flowalpr.storage import Query, ReadStore
from flowalpr.testing import plate_read

Opened = Callable[..., ReadStore]
RELEASED = sorted((Path(__file__).parent / "released").glob("schema-*.db"))


def copied(tmp_path: Path, released: Path) -> Path:
    path = tmp_path / "plates.db"
    shutil.copy(released, path)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("released", RELEASED, ids=lambda path: path.stem)
def test_a_file_of_a_released_version_goes_on(tmp_path: Path, opened: Opened, released: Path) -> None:
    path = copied(tmp_path, released)
    with closing(sqlite3.connect(path)) as before:
        columns = [row[1] for row in before.execute("PRAGMA table_info(reads)")]
        rows = {row[0]: dict(zip(columns, row, strict=True)) for row in before.execute("SELECT * FROM reads")}
    store = opened(path)
    reads = {each.id: each.record() for each in store.iterate(Query())}
    assert reads.keys() == rows.keys()
    for id_, row in rows.items():
        same = ("time", "camera", "text", "confidence", "reason", "stage", "direction", "first", "seen", "sharp")
        assert [reads[id_].get(name) for name in same] == [row.get(name) for name in same]
        assert reads[id_]["raw"] == row["raw"]
    store.append([plate_read("NEW1", at=5)])
    assert [each.text for each in store.iterate(Query(text="AB12?C*"))] == ["AB123CD", "AB128CD"]


@pytest.mark.parametrize("released", RELEASED, ids=lambda path: path.stem)
def test_after_a_migration_the_plates_stand_in_the_back_up_alone(
    tmp_path: Path, opened: Opened, released: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = copied(tmp_path, released)
    opened(path)
    copy = tmp_path / f"plates.db.before-000{released.stem[-1]}"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir() if each.is_file() and b"AB123CD" in each.read_bytes()] == [
        copy.name
    ]
    assert f"it is kept as {copy}" in caplog.text


def test_a_migrated_file_has_the_tables_of_a_new_one(tmp_path: Path, opened: Opened) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from flowalpr.storage.schema import TABLES

    with opened(copied(tmp_path, RELEASED[0])).database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), TABLES) == []


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path, opened: Opened) -> None:
    path = copied(tmp_path, RELEASED[0])
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE reads SET time = 'noon' WHERE camera = 'yard'")
    with pytest.raises(ValueError, match="noon"):
        opened(path)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM reads WHERE text <> ''").fetchone() == (3,)
        tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert "day_keys" not in tables


def test_a_file_of_a_later_version_is_not_touched(tmp_path: Path, opened: Opened) -> None:
    opened().close()
    with closing(sqlite3.connect(tmp_path / "plates.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SetupError, match="later version"):
        opened()
