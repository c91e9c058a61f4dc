"""The labels on disk: what is written is read again, and mistakes are named by line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowalpr.lab.datasets.sample import DataError, Dataset, Plate, Sample, load, save

pixels = st.floats(0, 5000, allow_nan=False, width=32)
points = st.tuples(pixels, pixels)
plates = st.builds(
    Plate,
    box=st.none() | st.tuples(pixels, pixels, pixels, pixels),
    corners=st.none() | st.tuples(points, points, points, points),
    text=st.none() | st.text(max_size=10),
    country=st.none() | st.sampled_from(["D", "GB", "CN"]),
    rows=st.none() | st.integers(1, 3),
    reason=st.none() | st.text(max_size=20),
)
samples = st.builds(
    Sample,
    file=st.text(min_size=1, max_size=20),
    width=st.integers(1, 20000),
    height=st.integers(1, 20000),
    plates=st.lists(plates, max_size=3).map(tuple),
    conditions=st.lists(st.sampled_from(["night", "rain"]), max_size=2).map(tuple),
)


@settings(deadline=None)  # A busy machine is no fault of the code.
@given(samples)
def test_a_sample_survives_the_way_to_disk_and_back(sample: Sample) -> None:
    line = sample.as_line()
    assert "\n" not in line
    assert Sample.model_validate_json(line) == sample


def test_what_is_not_known_is_left_out_but_text_box_and_corners_never() -> None:
    line = json.loads(Sample(file="a.jpg", width=4, height=3, plates=(Plate(),)).as_line())
    assert line == {
        "file": "a.jpg",
        "width": 4,
        "height": 3,
        "plates": [{"box": None, "corners": None, "text": None}],
    }


def test_a_saved_data_set_is_the_one_that_is_loaded(tmp_path: Path) -> None:
    dataset = Dataset(tmp_path, (Sample(file="a.jpg", width=4, height=3, plates=(Plate(text="京A12345"),)),))
    save(dataset)
    assert load(tmp_path) == dataset
    assert [path.name for path in tmp_path.iterdir()] == ["labels.jsonl"]


def test_an_empty_label_file_is_an_empty_data_set(tmp_path: Path) -> None:
    (tmp_path / "labels.jsonl").write_text("\n\n")
    assert len(load(tmp_path)) == 0


def test_a_folder_without_labels_says_how_to_import() -> None:
    with pytest.raises(DataError, match="flowalpr data import"):
        load(Path("/nonexistent"))


def test_every_wrong_line_is_named_and_none_shows_its_text(tmp_path: Path) -> None:
    good = Sample(file="a.jpg", width=4, height=3).as_line()
    wrong = '{"file": "b.jpg", "width": "wide", "height": 3, "plates": [{"text": ["SECRET1"]}]}'
    (tmp_path / "labels.jsonl").write_bytes(f"{good}\n{wrong}\nSECRET2".encode() + b"\n\xff\xfe\n")
    with pytest.raises(DataError) as caught:
        load(tmp_path)
    message = str(caught.value)
    for part in ("labels.jsonl:2:1", "labels.jsonl:3:1", "labels.jsonl:4:1", "'width' is wrong", "not JSON"):
        assert part in message
    assert "SECRET" not in message


def test_of_a_thousand_wrong_lines_ten_are_shown(tmp_path: Path) -> None:
    (tmp_path / "labels.jsonl").write_text("{}\n" * 1000)
    with pytest.raises(DataError) as caught:
        load(tmp_path)
    assert len(caught.value.problems) == 1000
    assert "and 990 more" in str(caught.value)
