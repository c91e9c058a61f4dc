"""`flowalpr reads` and `flowalpr store`, as a person uses them."""

from __future__ import annotations

import csv
import json
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flowalpr.cli.main import app
from flowalpr.errors import FlowalprError
from flowalpr.events import Listed
from flowalpr.storage import ReadStore, StoreAddress
from flowalpr.testing import passage, plate_read

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in an empty folder, with keys of this test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLOWALPR_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "120")
    return lambda *arguments: CliRunner().invoke(app, [str(each) for each in arguments])


@pytest.fixture
def reads(run: Run) -> None:
    """A store in this folder."""
    listed = (Listed("residents", "AB128CD", "allow", "Ann"),)
    with ReadStore(StoreAddress(Path("parking.db"))) as store:
        store.append(
            [
                replace(passage("AB123CD", 0.9, camera="north", at=1), id="a" * 32, direction="in"),
                replace(passage("AB128CD", 0.8, camera="north", at=4000), id="b" * 32, direction="out", listed=listed),
                replace(passage("", 0.0, camera="south", reason="too small", at=5000), id="c" * 32),
            ],
            kinds=("crop",),
        )


@pytest.mark.usefixtures("reads")
def test_what_a_flow_stored_is_listed_without_naming_the_store(run: Run) -> None:
    lines = run("reads", "list").stdout.splitlines()
    assert lines[0].split() == ["time", "camera", "plate", "confidence", "direction", "note", "id"]
    assert [line.split()[2:4] for line in lines[1:]] == [["south", "-"], ["north", "AB128CD"], ["north", "AB123CD"]]
    assert "allow residents" in lines[2]
    assert "too small" in lines[1]


@pytest.mark.usefixtures("reads")
@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (["ab-12? cd"], ["AB128CD", "AB123CD"]),
        (["A8128CD", "--alike", "0.2"], ["AB128CD"]),
        (["--camera", "south"], [""]),
        (["--list", "residents"], ["AB128CD"]),
        (["--until", "2026-01-01T12:30:00Z"], ["AB123CD"]),
        (["--reason", "too small"], [""]),
        (["NOBODY"], []),
    ],
)
def test_a_search_finds_what_is_asked_for(run: Run, asked: list[str], expected: list[str]) -> None:
    done = run("reads", "search", *asked, "--json")
    assert [json.loads(line)["text"] for line in done.stdout.splitlines()] == expected
    assert done.exit_code == (0 if expected else 1)


@pytest.mark.usefixtures("reads")
@pytest.mark.parametrize("ending", [".csv", ".json", ".jsonl", ".parquet"])
def test_reads_are_exported_whole_and_for_their_owner_alone(run: Run, ending: str) -> None:
    out = Path(f"out{ending}")
    assert run("reads", "export", out, "--plate", "AB*").exit_code == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    if ending == ".parquet":
        import pyarrow.parquet

        rows = pyarrow.parquet.read_table(out).to_pylist()
    elif ending == ".csv":
        rows = list(csv.DictReader(out.read_text().splitlines()))
    else:
        rows = json.loads(out.read_text()) if ending == ".json" else [*map(json.loads, out.read_text().splitlines())]
    assert [row["text"] for row in rows] == ["AB128CD", "AB123CD"]
    again = run("reads", "export", out)
    assert isinstance(again.exception, FlowalprError)
    assert "is there already" in str(again.exception)


def test_no_cell_of_a_csv_is_a_formula(run: Run) -> None:
    with ReadStore(StoreAddress(Path("x.db"))) as store:
        store.append([plate_read("=1+1", camera="@gate")])
    run("reads", "export", "out.csv")
    row = next(csv.DictReader(Path("out.csv").read_text().splitlines()))
    assert (row["text"], row["camera"]) == ("'=1+1", "'@gate")


@pytest.mark.usefixtures("reads")
def test_one_read_is_shown_by_the_beginning_of_its_id_and_its_picture_saved(run: Run) -> None:
    assert "AB123CD" in run("reads", "show", "aaaa").stdout
    assert run("reads", "show", "a", "--save", "here").exit_code == 0
    assert [path.read_bytes()[:2] for path in Path("here").iterdir()] == [b"\xff\xd8"]
    assert "no read has the id 'x'" in str(run("reads", "show", "x").exception)


@pytest.mark.usefixtures("reads")
def test_a_correction_is_found_and_marked(run: Run) -> None:
    run("reads", "correct", "aaaa", "ab 999")
    assert "AB999 *" in run("reads", "search", "AB999").stdout


@pytest.mark.usefixtures("reads")
def test_statistics_say_what_passed_when_and_how_well_it_was_read(run: Run) -> None:
    found = json.loads(run("reads", "stats", "--json").stdout)
    assert list(found["hours"].values()) == [1, 2]
    assert list(found["occupancy"].values()) == [1, 0]
    assert found["cameras"] == {"north": {"read": 2}, "south": {"too small": 1}}
    assert found["confidence"] | {"0.8": 1, "0.9": 1} == found["confidence"]
    shown = run("reads", "stats", "--plot", "plot.png").stdout
    assert "100.0%" in shown
    assert "too small 1" in shown
    assert Path("plot.png").read_bytes()[1:4] == b"PNG"


@pytest.mark.usefixtures("reads")
def test_a_back_up_restores_all_and_is_of_no_use_without_the_key(run: Run) -> None:
    done = run("store", "backup", "kept.tar")
    assert "3 reads and 3 pictures" in done.stdout
    assert stat.S_IMODE(Path("kept.tar").stat().st_mode) == 0o600
    assert b"AB123CD" not in Path("kept.tar").read_bytes()
    assert run("store", "restore", "kept.tar", "--db", "again.db").stdout.startswith("3 reads")
    assert run("store", "verify", "--db", "again.db").stdout == "3 reads and 3 pictures: whole\n"
    key = next(Path("state/store-keys").iterdir())
    key.rename("elsewhere.key")
    error = run("reads", "list", "--db", "again.db").exception
    assert f"the key {key.stem} of this store is not on this machine" in str(error)
    assert run("reads", "list", "--db", "again.db", "--key", "file:elsewhere.key").exit_code == 0


@pytest.mark.usefixtures("reads")
def test_a_rotated_key_opens_the_store_and_the_old_one_does_not(run: Run) -> None:
    old = next(Path("state/store-keys").iterdir())
    done = run("store", "rotate-key")
    assert f"still need the old key {old.stem}" in done.stdout
    assert "AB123CD" in run("reads", "list").stdout
    error = run("reads", "list", "--key", f"file:{old}").exception
    assert f"the key in file:{old} is {old.stem}, but the store was sealed with the key" in str(error)


@pytest.mark.usefixtures("reads")
def test_a_check_names_what_is_damaged_and_left_over(run: Run) -> None:
    pictures = sorted(Path("parking.db.pictures").glob("??/*"))
    pictures[0].write_bytes(pictures[0].read_bytes()[:-1] + b"x")
    pictures[1].unlink()
    done = run("store", "verify")
    assert done.exit_code == 1
    assert "it was altered" in done.stdout
    assert "its file is missing" in done.stdout
    assert done.stdout.endswith("3 reads and 1 pictures: 2 faults\n")


def test_a_store_that_is_not_there_is_not_made(run: Run) -> None:
    assert "there is no store in this folder" in str(run("reads", "list").exception)
    assert "there is no store typo.db" in str(run("reads", "list", "--db", "typo.db").exception)
    assert not list(Path().iterdir())


def test_the_store_of_a_flow_is_found_by_the_flow(run: Run) -> None:
    text = "flow: f\nnodes:\n  c: {uses: camera, with: {url: x.mp4}}\n  p: {uses: detect, from: c}\n"
    Path("f.yaml").write_text(text + "  t: {uses: ocr, from: p}\n  a: {uses: store, from: t, with: {path: here.db}}\n")
    assert "there is no store here.db" in str(run("reads", "list", "--flow", "f.yaml").exception)
    with ReadStore(StoreAddress(Path("here.db"))) as store:
        store.append([plate_read("AB1")])
    assert "AB1" in run("reads", "list", "--flow", "f.yaml").stdout


def test_the_commands_import_nothing_heavy_before_they_are_called() -> None:
    code = "import sys, flowalpr.cli.reads, flowalpr.cli.store; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert not {"sqlalchemy", "cryptography", "alembic", "rich.console"} & set(done.stdout.split())
