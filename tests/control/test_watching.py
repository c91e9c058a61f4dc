"""Reads of the past, corrections, alerts, watch lists and metrics of a running flow."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.flows import Keep
from support.live import PLATE, LiveFrames, LiveReads
from support.served import Served, until

from flowalpr.alerts import keep
from flowalpr.control.client import Client, DoorError
from flowalpr.events import Alert
from flowalpr.storage.audit import AuditLog, Who
from flowalpr.testing import NOON, plate_read
from flowalpr_builtin.filters.watchlist import Watchlist
from flowalpr_builtin.sinks.store import Store


@pytest.fixture
def kept(serve: Callable[..., Served], tmp_path: Path) -> Served:
    """Three passages in a store."""
    served = serve(("cars", LiveReads(), ""), ("archive", Store(path=tmp_path / "plates.db"), "cars"))
    served.node("cars").send(3)
    until(lambda: {node.name: node.taken for node in served.runner.snapshot().nodes}["archive"] == 3)
    served.runner.restart("archive").result(20)  # It writes all when it closes.
    return served


def test_reads_of_the_past_are_searched_in_the_store(kept: Served, ask: Callable) -> None:
    async def look() -> None:
        async with kept.client() as client:
            assert len(await client.reads()) == 3
            assert len(await client.reads(text="KX??A*")) == 3
            assert await client.reads(text="KX77ABD") == []
            assert len(await client.reads(since=NOON + timedelta(seconds=2))) == 2
            assert len(await client.reads(until=NOON + timedelta(seconds=2), camera="cars", reason="read")) == 1
            assert await client.reads(camera="elsewhere") == []
            (latest, *_) = await client.reads(limit=1)
            assert (latest["text"], latest["node"], latest["pictures"]) == (PLATE, "cars", ["crop"])

    ask(look())
    entries = list(AuditLog().entries())
    assert [entry.action for entry in entries] == ["watch", *["search"] * 5]
    assert entries[1].plate
    assert PLATE not in (AuditLog().folder / "audit.jsonl").read_text()


def test_a_corrected_text_goes_to_the_store_and_to_the_queue_for_training(kept: Served, ask: Callable) -> None:
    async def correct() -> str:
        async with kept.client() as client:
            (read, *_) = await client.reads(limit=1)
            done = await client.correct(read["id"], "kx-77 abd")
            assert (done["text"], done["queued"]) == ("KX77ABD", True)
            assert [each["id"] for each in await client.reads(text="KX77ABD")] == [read["id"]]
            with pytest.raises(DoorError, match="no read of that id"):
                await client.correct("none", "KX77ABD")
            with pytest.raises(DoorError, match="1 to 20 letters"):
                await client.correct(read["id"], "---")
            return str(read["id"])

    id_ = ask(correct())
    queue = kept.flow.folder / "corrections"
    assert list(csv.reader((queue / "labels.csv").read_text().splitlines())) == [
        ["file", "text"],
        [f"{id_}.jpg", "KX77ABD"],
    ]
    assert (queue / f"{id_}.jpg").read_bytes().startswith(b"\xff\xd8")
    assert {path.stat().st_mode & 0o077 for path in queue.iterdir()} == {0}


def test_without_a_store_what_is_remembered_is_searched_and_corrected(served: Served, ask: Callable) -> None:
    served.node("cars").send(2)
    until(lambda: len(served.flow.heard.reads()) == 2)

    async def look() -> None:
        async with served.client() as client:
            (latest,) = await client.reads(since=NOON + timedelta(seconds=2))
            assert (await client.correct(latest["id"], "AB12CD"))["text"] == "AB12CD"
            assert [each["text"] for each in await client.reads(text="*")] == ["AB12CD", PLATE]

    ask(look())


def test_an_alert_is_open_until_it_is_acknowledged(served: Served, ask: Callable) -> None:
    alert = Alert("high", "stolen", plate_read(PLATE))
    keep(served.flow.folder, alert, "watch", timedelta(days=1))

    async def close() -> None:
        async with served.client() as client:
            assert (await client.snapshot()).alerts_open == 1
            (found,) = await client.alerts()
            assert (found["id"], found["severity"], found["text"]) == (alert.id, "high", PLATE)
            assert (await client.acknowledge(alert.id, "looked at it"))["text"] == PLATE
            assert await client.alerts() == []
            assert (await client.snapshot()).alerts_open == 0
            with pytest.raises(DoorError, match="was acknowledged by"):
                await client.acknowledge(alert.id)

    ask(close())
    assert [entry.action for entry in AuditLog().entries()] == ["acknowledge", "acknowledge"]


@pytest.mark.parametrize(
    ("name", "content"),
    [("list.csv", "plate;label\nAA11AA;x\n"), ("list.csv", "plate\nAA11AA"), ("list.yaml", "# ours\n- AA11AA\n")],
)
def test_a_plate_is_added_to_a_watch_list_and_counts(
    name: str, content: str, serve: Callable[..., Served], ask: Callable, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(content)
    served = serve(("cars", LiveReads(), ""), ("known", Watchlist(path=path), "cars"), ("keep", Keep(), "known"))

    async def add() -> None:
        async with served.client() as client:
            assert await client.watchlists() == [{"name": "known", "file": str(path), "entries": 1}]
            await client.add_to_list("known", "kx 77 abc", "deny", label="owes; a lot")
            with pytest.raises(DoorError, match="until is a day"):
                await client.add_to_list("known", PLATE, until="tomorrow")
            with pytest.raises(DoorError, match="no watch list of that name"):
                await client.add_to_list("keep", PLATE)

    ask(add())
    until(lambda: served.node("known").list_size() == 2)
    served.node("cars").send()
    until(lambda: served.node("keep").kept())
    (entry,) = served.node("keep").kept()[0].listed
    assert (entry.plate, entry.action, entry.label) == (PLATE, "deny", "owes; a lot")
    assert "# ours" in path.read_text() or path.suffix == ".csv"
    log = AuditLog()
    noted = [each for each in log.entries() if each.plate in log.pseudonyms(PLATE)]
    assert [(each.action, each.about["node"], each.about["entry"]) for each in noted][:1] == [
        ("list changed", "known", "deny")
    ]


def test_metrics_are_what_prometheus_reads_and_name_no_plate(serve: Callable[..., Served], ask: Callable) -> None:
    class Counts(LiveReads):
        """Tallies what it should not."""

        def open(self) -> None:
            self.tally(PLATE)

    served = serve(("gate", LiveFrames(), ""), ("cars", Counts(), ""), ("keep", Keep(), "gate cars"))
    served.node("cars").send(2)
    until(lambda: served.runner.snapshot().node("keep").taken > 2)

    async def look() -> str:
        async with served.client() as client:
            return await client.metrics()

    text = ask(look())
    assert PLATE not in text
    found = {family.name: family.samples for family in text_string_to_metric_families(text)}
    given = {sample.labels["node"]: sample.value for sample in found["flowalpr_node_given"]}
    assert given["cars"] == 2
    assert given["gate"] > 0
    buckets = [s for s in found["flowalpr_node_seconds"] if s.name.endswith("_bucket") and s.labels["node"] == "keep"]
    counts = [sample.value for sample in buckets]
    assert counts == sorted(counts)
    assert counts[-1] >= 2
    assert {"flowalpr_camera_fps", "flowalpr_sink_backlog", "flowalpr_box_disk_free_bytes"} <= found.keys()


def test_where_a_purpose_is_required_nothing_is_shown_without_one(kept: Served, ask: Callable) -> None:
    AuditLog().require_purpose(("search", "watch"), Who("Ann"))

    async def look() -> None:
        async with kept.client() as client:
            with pytest.raises(DoorError, match="'watch' needs a purpose here"):
                await client.reads()
            with pytest.raises(DoorError, match="needs a purpose here"):
                await anext(client.read_stream())
        async with Client(kept.socket, why="case 7") as client:
            assert len(await client.reads(text="KX77ABC")) == 3

    ask(look())
    assert [(entry.action, entry.why) for entry in AuditLog().entries()][-1] == ("search", "case 7")
