"""Splitting keeps texts and near-equal pictures together; checking names labels that cannot be right."""

from __future__ import annotations

import base64
import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from flowalpr.lab.datasets.checks import Mistake, check
from flowalpr.lab.datasets.importers import picture_size
from flowalpr.lab.datasets.index import find, statistics
from flowalpr.lab.datasets.sample import DataError, Dataset, Plate, Sample, save
from flowalpr.lab.datasets.split import fingerprint, groups, near_pairs, split
from flowalpr.lab.datasets.view import Tile, thumbnail, tiles, write_sheet

texts = st.lists(st.none() | st.sampled_from("ABCDEFGH"), min_size=1, max_size=40)


def noise(path: Path, seed: int, size: tuple[int, int] = (160, 120)) -> Path:
    """A blurred random picture; no two seeds look alike."""
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 256, (12, 16, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).resize(size).save(path, quality=90)
    return path


def sample(name: str, *plates: Plate, size: tuple[int, int] = (160, 120)) -> Sample:
    return Sample(file=name, width=size[0], height=size[1], plates=plates)


@settings(deadline=None)  # A busy machine is no fault of the code.
@given(texts, st.integers(0, 5))
def test_no_text_is_in_two_parts_and_no_sample_is_lost(drawn: list[str | None], seed: int) -> None:
    samples = tuple(sample(f"{index}.jpg", Plate(text=text)) for index, text in enumerate(drawn))
    hashes = np.random.default_rng(1).integers(0, 256, (len(samples), 32), dtype=np.uint8)
    parts = split(Dataset(Path(), samples), hashes, {"train": 0.7, "val": 0.3}, seed)
    assert sorted(each.file for part in parts.values() for each in part) == sorted(each.file for each in samples)
    in_part = [{plate.text for each in part for plate in each.plates} - {None} for part in parts.values()]
    assert not in_part[0] & in_part[1]


def test_the_same_seed_deals_the_same_parts_and_another_seed_others() -> None:
    samples = tuple(sample(f"{index}.jpg") for index in range(200))
    hashes = np.random.default_rng(2).integers(0, 256, (200, 32), dtype=np.uint8)
    shares = {"train": 0.9, "val": 0.1}
    first, again, other = (split(Dataset(Path(), samples), hashes, shares, seed) for seed in (3, 3, 4))
    assert first == again
    assert first["val"] != other["val"]
    assert len(first["val"]) == 20


def test_a_picture_scaled_and_compressed_again_is_near_and_others_are_not(tmp_path: Path) -> None:
    one, other = noise(tmp_path / "1.jpg", 1), noise(tmp_path / "2.jpg", 2)
    smaller = tmp_path / "3.jpg"
    with Image.open(one) as image:
        image.resize((101, 77)).filter(ImageFilter.GaussianBlur(1)).save(smaller, quality=30)
    hashes = np.stack([fingerprint(path) for path in (one, other, smaller)])
    assert list(near_pairs(hashes)) == [(0, 2)]
    assert groups([sample("1"), sample("2"), sample("3")], hashes) == [[0, 2], [1]]


@pytest.mark.parametrize(
    ("mode", "size"), [("L", (1, 1)), ("RGBA", (40, 30)), ("I;16", (40, 30)), ("CMYK", (40, 30)), ("P", (30, 1))]
)
def test_odd_pictures_have_fingerprints_sizes_and_thumbnails(tmp_path: Path, mode: str, size: tuple[int, int]) -> None:
    path = tmp_path / ("1.tif" if mode in ("I;16", "CMYK") else "1.png")
    Image.new(mode, size).save(path)
    assert fingerprint(path).shape == (32,)
    assert picture_size(path) == size
    assert thumbnail(Tile(path, GOOD, "odd")).startswith("data:image/jpeg")


def test_a_picture_with_far_too_many_pixels_is_refused_without_decoding_it(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    Image.new("1", (8, 8)).save(path)
    content = bytearray(path.read_bytes())
    header = (20_000).to_bytes(4, "big") * 2 + content[24:29]
    content[16:29] = header
    content[29:33] = zlib.crc32(b"IHDR" + header).to_bytes(4, "big")
    path.write_bytes(content)
    with pytest.raises(OSError, match="far too many pixels"):
        fingerprint(path)
    assert thumbnail(Tile(path, GOOD, "bomb")) == ""


def test_near_pairs_are_found_across_the_chunks_of_a_large_set() -> None:
    hashes = np.random.default_rng(5).integers(0, 256, (1300, 32), dtype=np.uint8)
    hashes[1200] = hashes[3]
    assert list(near_pairs(hashes)) == [(3, 1200)]


GOOD = Plate(box=(20, 30, 60, 20), corners=((20, 30), (80, 30), (80, 50), (20, 50)), text="AB12CDE")


@pytest.mark.parametrize(
    ("plate", "says"),
    [
        ({"box": (20, 30, 0, 20), "corners": None}, "no area"),
        ({"box": (120, 30, 60, 20), "corners": None}, "leaves the picture"),
        ({"box": (20, 30, 60, 3), "corners": None}, "3 pixels high"),
        ({"box": (20, 30, 10, 60), "corners": None}, "higher than wide"),
        ({"corners": ((20, 30), (20, 50), (80, 50), (80, 30))}, "counter-clockwise"),
        ({"corners": ((20, 30), (80, 50), (80, 30), (20, 50))}, "cross"),
        ({"corners": ((20, 30), (200, 30), (200, 50), (20, 50))}, "outside"),
        ({"corners": ((100, 80), (150, 80), (150, 100), (100, 100))}, "not of the same place"),
        ({"text": "A" * 13}, "13 characters"),
        ({"text": "AB-12"}, "blanks or signs"),
        ({"text": "ab12"}, "upper case"),
        ({"text": "ÄB12"}, "not in the alphabet: Ä"),
    ],
)
def test_a_label_that_cannot_be_right_is_named(tmp_path: Path, plate: dict[str, object], says: str) -> None:
    noise(tmp_path / "1.jpg", 1)
    dataset = Dataset(
        tmp_path, (sample("1.jpg", GOOD, GOOD.model_copy(update=plate | {"box": plate.get("box", GOOD.box)})),)
    )
    mistakes = [each for each in check(dataset, "ABCDE0123456789") if each and "nearly the box" not in each.what]
    assert mistakes
    assert all(each.plate == 1 for each in mistakes)
    assert any(says in each.what for each in mistakes)
    assert not any("AB" in each.what for each in mistakes), "a plate text is personal"


def test_a_good_label_has_no_mistake(tmp_path: Path) -> None:
    noise(tmp_path / "1.jpg", 1)
    assert list(check(Dataset(tmp_path, (sample("1.jpg", GOOD),)))) == [None]


def test_missing_broken_doubled_and_mismeasured_pictures_are_named(tmp_path: Path) -> None:
    noise(tmp_path / "1.jpg", 1)
    (tmp_path / "2.jpg").write_bytes(b"")
    labelled = (
        sample("1.jpg", size=(10, 10)),
        sample("2.jpg"),
        sample("3.jpg"),
        sample("3.jpg"),
        sample("1.jpg", GOOD, GOOD),
    )
    said = [(each.file, each.what) for each in check(Dataset(tmp_path, labelled)) if isinstance(each, Mistake)]
    for file, part in [
        ("1.jpg", "160 x 120 pixels"),
        ("1.jpg", "nearly the box"),
        ("2.jpg", "cannot be read"),
        ("3.jpg", "missing"),
        ("3.jpg", "labelled 2 times"),
    ]:
        assert any(name == file and part in what for name, what in said), (file, part)


def test_data_sets_are_found_below_a_folder_and_counted(tmp_path: Path) -> None:
    for name in ("val/a", "val/b"):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        save(Dataset(folder, (sample("1.jpg", GOOD, Plate(text="AB12CDE", country="GB", rows=2)), sample("2.jpg"))))
    first, second = find([tmp_path / "val"])
    assert (first.name, second.name) == ("val/a", "val/b")
    figures = statistics(first)
    assert (figures.pictures, figures.plates, figures.with_box, figures.with_text) == (2, 2, 1, 2)
    assert (figures.texts, figures.two_row, figures.countries) == (1, 1, {"GB": 1})
    assert figures.characters["A"] == 2
    with pytest.raises(DataError, match="holds no data set"):
        find([tmp_path / "other"])


def test_empty_labels_are_a_data_set_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "labels.jsonl").write_text("\n\n", "utf-8")
    (empty,) = find([tmp_path])
    assert len(empty) == 0
    assert [each.what for each in check(empty) if each] == ["names no picture"]
    assert statistics(empty).pictures == 0


def test_marks_hide_no_plate_of_few_pixels(tmp_path: Path) -> None:
    Image.new("RGB", (800, 600)).save(tmp_path / "1.png")
    plate = Plate(box=(400, 300, 24, 8), corners=((400, 300), (424, 300), (424, 308), (400, 308)), text="AB1")
    url = thumbnail(Tile(tmp_path / "1.png", plate, "far"))
    with Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))) as shown:
        marked = (np.asarray(shown).max(axis=2) > 60).mean()
    assert 0.005 < marked < 0.1


def test_a_contact_sheet_shows_every_plate_even_broken_ones(tmp_path: Path) -> None:
    noise(tmp_path / "1.jpg", 1)
    broken = Plate(box=(150, 110, -20, 500), text="<AB>")
    dataset = Dataset(tmp_path, (sample("1.jpg", GOOD, broken), sample("gone.jpg")))
    page = tmp_path / "out" / "sheet.html"
    assert len(list(write_sheet(page, "my <set>", tiles(dataset)))) == 3
    html = page.read_text()
    assert html.count("data:image/jpeg;base64,") == 2
    assert "&lt;AB&gt;" in html
    assert "none labelled" in html
    assert "http" not in html, "the page needs no network"
