"""One person's rights: nothing of them is left in any file, and all else stays."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from flowalpr import PlateRead, SetupError
from flowalpr.cli.main import app
from flowalpr.cli.privacy import graph_of
from flowalpr.engine.faults import DeadLetters
from flowalpr.flow.graph import Graph
from flowalpr.messages import Fault
from flowalpr.privacy.rights import dead_letters, erase, known
from flowalpr.state import state_folder
from flowalpr.storage import Query, ReadStore
from flowalpr.storage.audit import AuditLog
from flowalpr.storage.corrections import FOLDER, Corrections
from flowalpr.subject import Subject
from flowalpr.testing import passage, plate_read

FLOW = """\
flow: site
nodes:
  gate:     {{uses: camera, with: {{url: "rtsp://10.0.0.5/main"}}}}
  plates:   {{uses: detect, from: gate}}
  text:     {{uses: ocr, from: plates}}
  once:     {{uses: distinct, from: text, with: {{remember: true, cool_down: 1 h}}}}
  archive:  {{uses: store, from: once, with: {{path: {folder}/plates.db, keep: {{matched: 30 d, unmatched: 30 d}}}}}}
  pictures: {{uses: snapshot, from: once, with: {{folder: {folder}/pictures}}}}
  log:      {{uses: lines, from: once, with: {{path: {folder}/reads.jsonl}}}}
  table:    {{uses: lines, from: once, with: {{path: {folder}/reads.csv}}}}
  stays:    {{uses: sessions, from: once, with: {{path: {folder}/sessions.db, entry: [gate], exit: [out]}}}}
  alarm:    {{uses: alert, from: once}}
  tell:     {{uses: webhook, from: once, with: {{url: "http://127.0.0.1:9/never"}}}}
"""
THEIRS, OTHERS = "QX73ZZV", "AB12CDE"
NOW = datetime.now(timezone.utc).replace(microsecond=0)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Graph:
    """A flow whose nodes have met three reads of one plate and one of another, and are closed again."""
    monkeypatch.setenv("FLOWALPR_STATE", str(tmp_path / "state"))
    (tmp_path / "site.yaml").write_text(FLOW.format(folder=tmp_path))
    return filled(graph_of(str(tmp_path / "site.yaml"), None, None))


def filled(graph: Graph) -> Graph:
    read, other = _read(plate_read(THEIRS)), _read(plate_read(OTHERS))
    car = dataclasses.replace(passage(THEIRS), readings=((THEIRS, 4), ("QX73ZZ", 1)))
    again = dataclasses.replace(_read(car), first=NOW, last=NOW)
    for name in ("once", "archive", "pictures", "log", "table", "stays", "alarm", "tell"):
        node = graph.nodes[name].node
        node.open()
        try:
            messages = (read, other) if name in ("table", "once") else (read, other, again)
            for message in messages:
                given = node.process(message)  # type: ignore[attr-defined]  # Each node has its own.
                if isinstance(given, Iterator):
                    list(given)
            if name == "archive":
                node.due(NOW)
        finally:
            node.close()
    DeadLetters(dead_letters(graph)[0]).add(Fault("ValueError: no", read, node="x"))
    DeadLetters(dead_letters(graph)[0]).add(Fault("ValueError: no", other, node="x"))
    queue = Corrections(state_folder(graph.name) / FOLDER)
    for each in (read, other):
        queue.add(each.id, each.text, each.detection.crop().tobytes())
    return graph


def _read(read: PlateRead) -> PlateRead:
    """The read as the camera `gate` gives it now, with a picture like no other."""
    stamp = dataclasses.replace(read.stamp, camera="gate", time=NOW)
    image = np.random.default_rng(len(read.text) + ord(read.text[0])).integers(0, 255, read.frame.image.shape, np.uint8)
    frame = dataclasses.replace(read.frame, stamp=stamp, image=image, source=f"{read.text}.jpg")
    return dataclasses.replace(read, detection=dataclasses.replace(read.detection, frame=frame))


def files_with(folder: Path, text: str) -> list[str]:
    """Files that hold the text in any form: UTF-8, UTF-16, in their names or in capitals or not."""
    forms = [text.encode(), text.lower().encode(), text.encode("utf-16-le"), text.encode("utf-16-be")]
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and (text in path.name or any(form in path.read_bytes() for form in forms))
    ]


def test_all_that_is_kept_is_found(site: Graph) -> None:
    found = {each.where: each.count for each in known(site, Subject("qx73 zzv"))}
    places = {"once": 1, "archive": 2, "pictures": 4, "log": 2, "table": 1, "stays": 1, "alarm": 1, "tell": 2}
    assert found == {**places, "training queue": 1, "dead letters": 1}


def test_nothing_of_an_erased_person_is_left_in_any_file(site: Graph, tmp_path: Path) -> None:
    assert len(files_with(tmp_path, THEIRS)) >= 6
    records = next(each.records for each in known(site, Subject(THEIRS)) if each.where == "archive")
    crops = [content for record in records for content in record["pictures"].values()]
    ids = {record["id"] for record in records}
    shots = [path.read_bytes() for path in tmp_path.rglob("*.jpg") if any(each in path.name for each in ids)]
    assert len(shots) == 5
    done = erase(site, Subject(THEIRS))
    assert [each.trouble for each in done if each.trouble] == []
    assert files_with(tmp_path, THEIRS) == []
    assert files_with(tmp_path, "QX73ZZ") == []
    left = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert not any(picture[-300:-200] in left for picture in (*crops, *shots))
    assert known(site, Subject(THEIRS)) == []


def test_all_others_stay(site: Graph) -> None:
    before = {each.where: each.count for each in known(site, Subject(OTHERS))}
    erase(site, Subject(THEIRS))
    assert {each.where: each.count for each in known(site, Subject(OTHERS))} == before
    assert before["archive"] == before["training queue"] == 1


def test_receivers_are_told_what_to_erase(site: Graph) -> None:
    ids = {each["id"] for found in known(site, Subject(THEIRS)) if found.where == "archive" for each in found.records}
    erase(site, Subject(THEIRS))
    with sqlite3.connect(site.nodes["tell"].node.home / "events.db") as database:
        waiting = [json.loads(row[0]) for row in database.execute("SELECT payload FROM events")]
    (told,) = [each for each in waiting if each["type"] == "Erasure"]
    assert ids <= set(told["reads"])
    assert THEIRS not in json.dumps(told)


def test_while_a_flow_uses_the_queue_nothing_is_lost_for_a_second_try(site: Graph, tmp_path: Path) -> None:
    tell = site.nodes["tell"].node
    tell.open()
    try:
        done = {each.where: each.trouble for each in erase(site, Subject(THEIRS))}
    finally:
        tell.close()
    assert "in use by node 'tell'" in done["tell"]
    assert "until all else is" in done["archive"]
    assert all(not each.trouble for each in erase(site, Subject(THEIRS)))
    assert files_with(tmp_path, THEIRS) == []


def test_what_a_hold_keeps_stays_and_is_told(site: Graph) -> None:
    archive = site.nodes["archive"].node
    hold = {"since": NOW - timedelta(1), "until": NOW + timedelta(1), "ends": NOW + timedelta(9), "why": "case 114"}
    held = archive.model_copy(update={"keep": type(archive.keep).model_validate({"holds": [hold]})})  # type: ignore[attr-defined]  # Of the node `store`.
    with pytest.raises(SetupError, match="0 reads are erased, 2 are under a legal hold"):
        held.forget(Subject(THEIRS))
    with ReadStore(archive.address) as store:  # type: ignore[attr-defined]  # As above.
        assert store.count(Query(text=THEIRS)) == 2


def test_a_misread_plate_is_put_right(site: Graph) -> None:
    done = subject(site, "correct", THEIRS, OTHERS, str(site.path), "--why", "it is mine")
    assert done.exit_code == 0
    assert "archive: 2 corrected" in done.output
    assert "training queue: 1 corrected" in done.output
    labels = (state_folder(site.name) / FOLDER / "labels.csv").read_text()
    assert (labels.count(OTHERS), THEIRS in labels) == (2, False)
    assert known(site, Subject(OTHERS))[0].count >= 1
    with ReadStore(site.nodes["archive"].node.address) as store:  # type: ignore[attr-defined]  # Of the node `store`.
        assert store.count(Query(text=THEIRS)) == 0


def subject(site: Graph, *arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(app, ["subject", *arguments], input=given, catch_exceptions=False)


def test_an_export_holds_records_and_pictures_and_the_log_says_so(site: Graph, tmp_path: Path) -> None:
    out = tmp_path / "given"
    done = subject(site, "export", "-", str(site.path), "--out", str(out), "--why", "request 7", given="qx73-zzv\n")
    assert done.exit_code == 0, done.output
    records = [json.loads(line) for line in (out / "records.jsonl").read_text().splitlines()]
    assert {"archive", "stays", "tell", "dead letters"} <= {each["where"] for each in records}
    assert (out / records[1]["pictures"][0]).read_bytes().startswith(b"\xff\xd8")
    (entry,) = AuditLog().entries()
    assert (entry.action, entry.why) == ("export", "request 7")
    assert entry.plate in AuditLog().pseudonyms(THEIRS)
    assert out.stat().st_mode & 0o777 == 0o700


def test_an_erasure_asks_first_and_is_in_the_audit_log_without_the_plate(site: Graph, tmp_path: Path) -> None:
    assert subject(site, "erase", THEIRS, str(site.path), given="n\n").exit_code == 1
    assert list(AuditLog().entries()) == []
    done = subject(site, "erase", THEIRS, str(site.path), "--yes", "--why", f"request of {THEIRS}")
    assert done.exit_code == 0, done.output
    assert [entry.action for entry in AuditLog().entries()] == ["erase", "erased"]
    assert files_with(tmp_path, THEIRS) == []


def test_a_look_alike_is_another_person_unless_asked_for() -> None:
    assert not Subject("QX73ZZV").is_meant_by("QX73ZZ")
    assert not Subject("QX73ZZV").is_in({"text": "QX73ZZVA", "raw": ["AQX73ZZV"]})
    assert Subject("QX73ZZV").is_in({"deep": [{"file": "qx73-zzv.jpg"}]})
    assert Subject("0X73ZZV", 0.1).is_meant_by("OX73ZZV")
    assert "QX73" not in repr(Subject("QX73ZZV"))
