"""The same store on a PostgreSQL server."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.postgres import Postgres

from flowalpr.errors import SetupError
from flowalpr.settings import Secret
from flowalpr.storage import Query, ReadStore, StoreAddress
from flowalpr.storage.statistics import statistics
from flowalpr.testing import NOON, passage, plate_read

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    # The server's user must reach it, and a socket's path may have 107 characters.
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="pg-") as folder:
        Path(folder).chmod(0o755)
        running = Postgres(Path(folder))
        yield running
        running.stop()


@pytest.fixture
def opened(server: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], ReadStore]:
    monkeypatch.setenv("DATABASE_URL", server.url)
    monkeypatch.setenv("FLOWALPR_STATE", str(server.folder))  # One key for the one database of these tests.
    return lambda: ReadStore(StoreAddress(url=Secret("env:DATABASE_URL"), pictures=tmp_path / "pictures"))


def test_a_store_behind_a_url_does_all_that_a_file_does(opened: Callable[[], ReadStore]) -> None:
    preview = replace(passage("AB123CD", camera="gate", at=1), stage="preview")
    final = replace(preview, text="AB128CD", stage="final")
    with opened() as store:
        store.append([preview, final, plate_read("XY9", at=90_000), plate_read("", 0.0)], kinds=("crop",))
        store.append([preview])
    with opened() as store:
        asked = [{"text": "AB128CD"}, {"text": "A812BCD", "alike": 0.4}, {"text": "*12?CD"}, {"cameras": ("gate",)}]
        for each in asked:
            assert [read.text for read in store.search(Query(**each))] == ["AB128CD"]  # type: ignore[arg-type]
        assert store.picture(final.id)
        assert statistics(store, Query()).total == 3
        corrected = store.correct(final.id, "AB999")
        assert corrected
        assert [read.text for read in store.iterate(Query(text="AB9*"))] == ["AB999"]
        assert store.erase([final.id]) == 1
        store.append([replace(final, stage="gone")])
        assert store.purge(Query(until=NOON + timedelta(hours=1))) == 1
        assert store.destroy_keys(NOON + timedelta(days=1)) >= 1
        assert [read.text for read in store.iterate(Query())] == ["XY9"]


def test_no_error_of_the_server_shows_a_plate_or_the_url(server: Postgres, opened: Callable[[], ReadStore]) -> None:
    with opened() as store:
        store.database.engine.dispose()
        server.stop()
        with pytest.raises(SetupError) as caught:
            store.append([plate_read("SECRET7")])
        assert "SECRET7" not in str(caught.value)
        assert "check that the database runs" in str(caught.value)
        server.start()
        store.append([plate_read("SECRET7")])
