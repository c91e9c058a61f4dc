"""What tests of the store share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flowalpr.storage import ReadStore, StoreAddress


@pytest.fixture(autouse=True)
def keys_of_this_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where stores of this test put their keys."""
    monkeypatch.setenv("FLOWALPR_STATE", str(tmp_path / "state"))
    return tmp_path / "state" / "store-keys"


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., ReadStore]]:
    """Opens stores, `plates.db` unless another path is named; all are closed at the end."""
    stores: list[ReadStore] = []

    def open_(path: Path | None = None, **settings: object) -> ReadStore:
        stores.append(ReadStore(StoreAddress(path or tmp_path / "plates.db", **settings)))  # type: ignore[arg-type]
        return stores[-1]

    yield open_
    for each in stores:
        each.close()
