"""For how long the node `store` keeps reads, and what it writes in place of plates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from pydantic import ValidationError

from flowalpr import Listed, PlateRead
from flowalpr.storage import Query, ReadStore
from flowalpr.storage.purging import Purger
from flowalpr.storage.retention import Keep
from flowalpr.testing import feed, plate_read
from flowalpr_builtin.sinks.store import Store

NOW = datetime.now(timezone.utc)


@pytest.fixture(autouse=True)
def keys_of_this_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWALPR_STATE", str(tmp_path / "state"))


def read_of(text: str, age: timedelta, *lists: str) -> PlateRead:
    """A read of that age, on these watch lists."""
    read = plate_read(text)
    frame = replace(read.frame, stamp=replace(read.stamp, time=NOW - age))
    listed = tuple(Listed(each, text, "allow", "Anna, flat 3") for each in lists)
    return replace(read, detection=replace(read.detection, frame=frame), listed=listed)


def node_of(path: Path, keep: object) -> Store:
    return Store.model_validate({"path": path / "plates.db", "keep": keep})


def texts(node: Store) -> list[str]:
    with ReadStore(node.address) as store:
        return sorted(each.text for each in store.iterate(Query()))


def kept(path: Path, keep: object, reads: Sequence[PlateRead]) -> Store:
    """A store that has met these reads and looked for what is due."""
    node = node_of(path, keep)
    feed(node, *reads)
    node.open()
    node.due(NOW)
    node.close()
    return node


DAYS, MINUTES = timedelta(days=1), timedelta(minutes=1)
READS = (
    read_of("MATCHED1", 29 * DAYS, "residents"),
    read_of("MATCHED2", 31 * DAYS, "residents"),
    read_of("OTHER1", 2 * MINUTES),
    read_of("OTHER2", 4 * MINUTES),
)


def test_what_is_due_is_deleted_while_the_flow_runs(tmp_path: Path) -> None:
    node = kept(tmp_path, {"matched": "30 d", "unmatched": "3 min"}, READS)
    assert texts(node) == ["MATCHED1", "OTHER1"]


def test_without_a_rule_all_is_kept(tmp_path: Path) -> None:
    assert len(texts(kept(tmp_path, None, READS))) == 4


def test_what_is_never_kept_is_not_written(tmp_path: Path) -> None:
    node = node_of(tmp_path, {"unmatched": "never", "crops": "never"})
    feed(node, *READS)
    assert texts(node) == ["MATCHED1", "MATCHED2"]
    assert node.tallies()["not stored"] == 2
    assert not list(tmp_path.glob("plates.db.pictures/*"))


def test_pictures_go_before_their_reads(tmp_path: Path) -> None:
    reads = [read_of("OLD", 2 * DAYS), read_of("NEW", MINUTES)]
    node = kept(tmp_path, {"unmatched": "30 d", "crops": "24 h"}, reads)
    with ReadStore(node.address) as store:
        pictures = {each.text: each.pictures for each in store.iterate(Query())}
    assert pictures == {"OLD": (), "NEW": ("crop",)}


def test_a_hold_keeps_what_is_due_until_it_ends(tmp_path: Path) -> None:
    hold = {"since": NOW - 40 * DAYS, "until": NOW - 30 * DAYS, "ends": NOW + DAYS, "why": "case 114"}
    rules = {"matched": "30 d", "unmatched": "3 min", "holds": [hold]}
    node = kept(tmp_path, rules, READS)
    assert texts(node) == ["MATCHED1", "MATCHED2", "OTHER1"]
    ended = Keep.model_validate({**rules, "holds": [{**hold, "ends": NOW - DAYS}]})
    with ReadStore(node.address) as store:
        Purger(store, ended).purge(NOW)
    assert texts(node) == ["MATCHED1", "OTHER1"]


def test_a_hold_must_say_why_and_when_it_ends() -> None:
    with pytest.raises(ValidationError, match="ends"):
        Keep.model_validate({"holds": [{"since": NOW, "until": NOW, "why": "case 114"}]})


def test_a_clock_set_back_deletes_later_and_not_more(tmp_path: Path) -> None:
    node = kept(tmp_path, None, READS)
    keep = Keep.model_validate({"matched": "30 d", "unmatched": "3 min"})
    with ReadStore(node.address) as store:
        assert sum(Purger(store, keep).purge(NOW - 365 * DAYS).values()) == 0
        assert sum(Purger(store, keep).purge(NOW).values()) == 2


def test_pseudonyms_count_cars_and_name_none(tmp_path: Path) -> None:
    node = node_of(tmp_path, {"unmatched": "30 d", "matched": "30 d", "pseudonyms": "unmatched"})
    feed(node, read_of("OTHER1", MINUTES), read_of("OTHER1", MINUTES), read_of("MATCHED1", MINUTES, "residents"))
    first, second, third = texts(node)
    assert first == "MATCHED1"
    assert second == third != "OTHER1"
    assert len(list(tmp_path.glob("plates.db.pictures/**/*.jpg"))) <= 1


def test_a_report_tells_what_would_go(tmp_path: Path) -> None:
    node = kept(tmp_path, None, READS)
    keep = Keep.model_validate({"matched": "30 d", "unmatched": "3 min", "crops": "1 h"})
    with ReadStore(node.address) as store:
        due = Purger(store, keep).due(NOW)
    assert due == {("read", "matched"): 1, ("read", "unmatched"): 1, ("crop", "all reads"): 2}
