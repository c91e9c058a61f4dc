"""The main job, as a user does it: the flows in the box on the sample, and on the clips and photographs beside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from flowalpr.storage import Query, ReadStore, StoreAddress

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "flows" / "sample"
DATA = ROOT.parent / "shared" / "data"

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def flowalpr(tmp_path: Path) -> Run:
    """Run the command line in an empty folder."""

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "flowalpr", *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, "FLOWALPR_STATE": str(tmp_path / "state")},
            capture_output=True,
            text=True,
            timeout=600,
        )

    return run


def stored(path: Path) -> list[str]:
    """The plates in a flow's table, in the order of their arrival."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("FLOWALPR_STATE", str(path.parent / "state"))
        with ReadStore(StoreAddress(path)) as store:
            return [read.text for read in sorted(store.iterate(Query()), key=lambda read: read.number)]


def true_texts(labels: Path) -> list[str]:
    """The plate texts in a file of labels, each once, in the order of their appearance; not of plates cut off."""
    rows = [json.loads(line) for line in labels.read_text(encoding="utf-8").splitlines()]
    return list(dict.fromkeys(plate["text"] for row in rows for plate in row["plates"] if plate["text"]))


def test_every_car_of_the_sample_clip_is_read_and_stored_once(flowalpr, tmp_path):
    done = flowalpr("run", "parking")
    assert done.returncode == 0, done.stderr
    truth = true_texts(SAMPLE / "gate.truth.jsonl")
    assert len(truth) >= 3
    assert sorted(text for text in stored(tmp_path / "parking.db") if text) == sorted(truth)
    assert all(text in done.stdout for text in truth)
    assert "80 frames" in done.stderr


def test_every_plate_of_the_sample_pictures_is_read_with_its_box(flowalpr):
    done = flowalpr("read", SAMPLE / "pictures", "--json")
    assert done.returncode == 0, done.stderr
    rows = {row["file"]: row["plates"] for row in map(json.loads, done.stdout.splitlines())}
    truth = [json.loads(line) for line in (SAMPLE / "pictures" / "labels.jsonl").read_text().splitlines()]
    assert sorted(rows) == sorted(row["file"] for row in truth)
    for row in truth:
        found = {plate["text"]: plate["box"] for plate in rows[row["file"]]}
        for plate in row["plates"]:
            assert overlap(found[plate["text"]], plate["box"]) > 0.4


def overlap(first: list[float], second: list[float]) -> float:
    """Intersection over union of two boxes given as left, top, width, height."""
    width = min(first[0] + first[2], second[0] + second[2]) - max(first[0], second[0])
    height = min(first[1] + first[3], second[1] + second[3]) - max(first[1], second[1])
    both = max(width, 0) * max(height, 0)
    return both / (first[2] * first[3] + second[2] * second[3] - both)


@pytest.mark.data
@pytest.mark.skipif(not DATA.exists(), reason="the clips beside the checkout are not there")
@pytest.mark.parametrize(
    ("clip", "plates"),
    [("parkpow_vn_tollgate_720p.mp4", {"34A36837"}), ("aiguy_uk_LS15EBC_720p.mp4", {"LS15EBC"})],
)
def test_a_real_clip_gives_the_plate_that_a_person_sees(flowalpr, tmp_path, clip, plates):
    done = flowalpr("run", "parking", "--set", f"gate.url={DATA / 'video' / clip}")
    assert done.returncode == 0, done.stderr
    assert plates <= set(stored(tmp_path / "parking.db"))


@pytest.mark.data
@pytest.mark.skipif(not DATA.exists(), reason="the photographs beside the checkout are not there")
def test_most_photographs_of_brazilian_cars_give_the_right_plate(flowalpr):
    done = flowalpr("run", "first", "--set", f"pictures.path={DATA / 'val' / 'openalpr_br' / 'images'}")
    assert done.returncode == 0, done.stderr
    truth = true_texts(DATA / "val" / "openalpr_br" / "labels.jsonl")
    right = [text for text in truth if text in done.stdout]
    assert len(right) >= 0.9 * len(truth)
