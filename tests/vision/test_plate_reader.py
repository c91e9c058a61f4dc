"""The reader that ships reads plates, drawn and photographed."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from flowalpr.lab.datasets.synthetic.crop import photograph
from flowalpr.lab.datasets.synthetic.glyphs import Typefaces
from flowalpr.lab.datasets.synthetic.layout import load_layouts
from flowalpr.lab.datasets.synthetic.plate import Drawer, Plate
from flowalpr.lab.evaluation.rate import Rate
from flowalpr.lab.training.reader_data import real_plates
from flowalpr.vision.manifest import find_model
from flowalpr.vision.reader import Reader, Reading

VALIDATION = Path(__file__).parents[3] / "shared/data/val"
MERGED = str.maketrans("OI", "01")


@pytest.fixture(scope="module")
def reader() -> Reader:
    """The default reader."""
    return Reader()


def drawn(countries: set[str], count: int, rows: int) -> list[Plate]:
    """Plates of those countries in our own strokes, which every machine draws alike."""
    layouts = [layout for layout in load_layouts() if layout.country in countries and layout.graphics == 0]
    drawer, rng = Drawer(layouts, Typefaces(folders=())), np.random.default_rng(11)
    plates: list[Plate] = []
    while len(plates) < count:
        plate = drawer.render_plate(rng)
        plates += [plate] if plate.rows == rows else []
    return plates


def alike(reading: Reading, text: str) -> bool:
    """Whether a text was read right, O like 0 and I like 1, which our strokes draw alike."""
    return reading.text.translate(MERGED) == text.translate(MERGED)


def test_the_default_reader_is_small_whole_and_says_whose_it_is() -> None:
    model = find_model("plate-reader", "reader")
    assert model.manifest.bytes <= 6_000_000
    assert "PaddleOCR" in model.manifest.attribution
    assert {"NOTICE", "LICENSE", "card.md", "recipe.yaml"} <= {file.name for file in model.folder.iterdir()}


@pytest.mark.parametrize("rows", [1, 2])
def test_drawn_plates_are_read_in_one_row_and_in_two(reader: Reader, rows: int) -> None:
    plates = drawn({"DE", "GB", "FR", "BR", "IN"}, 24, rows)
    rng = np.random.default_rng(12)
    readings = reader.read([photograph(plate, reader.margin, rng) for plate in plates])
    right = sum(alike(reading, plate.text) for reading, plate in zip(readings, plates, strict=True))
    # 14 to 60 pixels high and askew, in letters that no country uses.
    assert right >= 0.75 * len(plates)
    assert sum(reading.rows == rows for reading in readings) >= 0.9 * len(plates)


def test_what_is_no_plate_is_hardly_believed(reader: Reader) -> None:
    rng = np.random.default_rng(13)
    noise = [cv2.GaussianBlur(rng.integers(0, 256, (40, 160, 3)).astype(np.uint8), (0, 0), 1 + k) for k in range(8)]
    flat = [np.full((30, 100, 3), level, np.uint8) for level in (0, 127, 255)]
    assert max(reading.confidence for reading in reader.read([*noise, *flat])) < 0.5


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "least"), [("world", 0.93), ("openalpr_us", 0.84), ("openalpr_br", 0.92), ("cn", 0.88)]
)
def test_photographed_plates_are_read_as_the_card_says(reader: Reader, folder: str, least: float) -> None:
    plates = list(real_plates(VALIDATION / folder, find_model("plate-reader").manifest.reading.alphabet))
    readings = [reader.read([plate.cut(reader.margin)])[0] for plate in plates]
    right = Rate.of(alike(reading, plate.text) for reading, plate in zip(readings, plates, strict=True))
    assert right.value >= least, f"{right}"


@pytest.mark.data
@pytest.mark.slow
def test_a_confidence_is_worth_what_it_says(reader: Reader) -> None:
    alphabet = find_model("plate-reader").manifest.reading.alphabet
    plates = [plate for name in ("world", "openalpr_us") for plate in real_plates(VALIDATION / name, alphabet)]
    readings = [reader.read([plate.cut(reader.margin)])[0] for plate in plates]
    told = np.array([reading.confidence for reading in readings])
    true = np.array([reading.text == plate.text for reading, plate in zip(readings, plates, strict=True)])
    assert abs(told.mean() - true.mean()) < 0.04
    assert true[told > 0.95].mean() > 0.96
