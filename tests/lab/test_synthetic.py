"""Drawn plates are what their layouts say, the same for the same seed, and spoilt only as far as can be."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowalpr.lab.datasets.sample import DataError
from flowalpr.lab.datasets.synthetic.crop import synthetic_crop
from flowalpr.lab.datasets.synthetic.degrade import EFFECTS, degrade
from flowalpr.lab.datasets.synthetic.glyphs import HEIGHT, StrokeFace, Typefaces
from flowalpr.lab.datasets.synthetic.layout import Cell, Layout, load_layouts, write
from flowalpr.lab.datasets.synthetic.plate import Drawer, draw

OWN_STROKES = Typefaces(folders=())
"""No typeface of this machine, so that every machine draws the same."""
LAYOUTS = {layout.name: layout for layout in load_layouts()}
LATIN = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def layout_of(pattern: str, **more: object) -> Layout:
    """A plain layout with one pattern."""
    given = {"name": "x", "country": "XX", "weight": 1, "size": (520, 110), "faces": ["din"], "patterns": [pattern]}
    return Layout.model_validate({**given, **more})


def test_layouts_cover_the_countries_that_are_promised() -> None:
    countries = {layout.country for layout in LAYOUTS.values()}
    assert {"DE", "GB", "FR", "IT", "ES", "NL", "US", "BR", "IN", "PK", "AU", "CN", "KR"} <= countries
    assert {"br", "br-mercosur", "cn-blue", "cn-green", "motorcycle", "de-two-rows"} <= LAYOUTS.keys()


def test_two_rows_are_written_only_on_plates_that_are_high_enough() -> None:
    shapes = {each.name: each.size[0] / each.size[1] for each in LAYOUTS.values() if "/" in "".join(each.patterns)}
    assert len(shapes) > 10
    assert max(shapes.values()) <= 2.4, "the widest that there is, see `vision.reader.LONG`"


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_every_layout_gives_texts_without_marks(name: str) -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        text = write(LAYOUTS[name], rng).text
        assert 2 <= len(text) <= 11
        assert re.fullmatch(r"[A-Z0-9一-鿿가-힣]+", text)


def test_a_pattern_is_written_sign_by_sign() -> None:
    layout = layout_of("{city}*A9-^B7<12>/Z", words={"city": "M"})
    written = write(layout, np.random.default_rng(0))
    upper, lower = written.rows
    assert [cell.kind for cell in upper] == ["character", "decoy", "character", "character", "dash", "stack", "small"]
    assert upper[5] == Cell("stack", "B7")
    assert lower == [Cell("character", "Z")]
    assert re.fullmatch(r"M[A-Z][0-9]B7Z", written.text)


def test_umlauts_are_printed_and_read_without_their_dots() -> None:
    layout = layout_of("{city} 1", words={"city": "TÜ"})
    written = write(layout, np.random.default_rng(0))
    assert [cell.text for cell in written.rows[0] if cell.kind == "character"] == ["T", "Ü", "1"]
    assert written.text == "TU1"


@pytest.mark.parametrize("name", sorted(name for name, x in LAYOUTS.items() if x.country not in ("CN", "KR")))
def test_every_latin_layout_can_be_drawn_without_any_typeface(name: str) -> None:
    rng = np.random.default_rng(2)
    plate = draw(LAYOUTS[name], write(LAYOUTS[name], rng), OWN_STROKES, rng)
    assert plate.image.dtype == np.uint8
    assert plate.image.shape[2] == 3
    assert plate.rows in (1, 2)
    assert plate.image.std() > 10, "there is ink on the plate"


def test_the_same_seed_draws_the_same_plates_whatever_was_drawn_before() -> None:
    fresh, used = Drawer(faces=Typefaces(folders=())), Drawer(faces=Typefaces(folders=()))
    for _ in range(30):
        used.render_plate(np.random.default_rng(99))
    one, other = (synthetic_crop(d, 0.06, np.random.default_rng(5)) for d in (fresh, used))
    assert one.text == other.text
    assert np.array_equal(one.image, other.image)


def test_scripts_without_a_typeface_are_left_out() -> None:
    drawer = Drawer(faces=OWN_STROKES)
    rng = np.random.default_rng(3)
    assert all(drawer.render_plate(rng).text.isascii() for _ in range(25))


def test_texts_stay_within_the_alphabet() -> None:
    drawer = Drawer(faces=OWN_STROKES, alphabet=LATIN.replace("O", "").replace("Q", ""))
    rng = np.random.default_rng(4)
    assert not any({"O", "Q"} & set(drawer.render_plate(rng).text) for _ in range(25))


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("patterns: [AA 999], colour: x", r"own\.yaml:2:1  size: Field required; colour: Extra"),
        (
            "size: [1, 1], patterns: [กข 999]",
            "only Latin capitals, Chinese and Korean characters can be drawn, not ก ข",
        ),
        ("size: [1, 1], patterns: ['{state} 999']", "`words` has no 'state'"),
        ("size: [1, 1], patterns: ['<99 999']", "a bracket is not closed"),
    ],
)
def test_a_wrong_layout_is_named_with_its_line(tmp_path: Path, entry: str, said: str) -> None:
    (tmp_path / "own.yaml").write_text(
        f"# My country.\n- {{name: own, country: XX, weight: 1, faces: [din], {entry}}}\n"
    )
    with pytest.raises(DataError, match=said):
        load_layouts(tmp_path)


def test_typefaces_of_the_usual_package_draw_chinese_and_korean(tmp_path: Path) -> None:
    (tmp_path / "NotoSansCJK-Bold.ttc").touch()
    faces = Typefaces((tmp_path,))
    assert faces.has("han")
    assert faces.has("hangul")


def test_an_alphabet_that_no_layout_can_write_is_refused() -> None:
    with pytest.raises(ValueError, match="no layout can be drawn"):
        Drawer(faces=OWN_STROKES, alphabet="é")


@pytest.mark.parametrize("seed", range(12))
def test_our_own_letters_can_be_told_apart(seed: int) -> None:
    face = StrokeFace(seed)
    glyphs = {c: face.glyph(c) for c in LATIN}
    assert all(glyph.shape[0] == HEIGHT and glyph.max() > 200 for glyph in glyphs.values())
    widths = [glyphs[c].shape[1] for c in "MWO"]
    assert min(widths) > glyphs["I"].shape[1]
    for one, other in ("BD", "EF", "PR", "CG", "58"):
        a, b = (np.resize(glyphs[c], (HEIGHT, HEIGHT)) for c in (one, other))
        assert np.abs(a.astype(int) - b).mean() > 3, f"{one} and {other} look alike"


@pytest.mark.parametrize("name", sorted(EFFECTS))
@settings(max_examples=15, deadline=None)
@given(st.integers(9, 90), st.integers(12, 260), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_an_effect_changes_no_shape_and_no_input(
    name: str, height: int, width: int, strength: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
    before = image.copy()
    after = EFFECTS[name](image, strength, rng)
    assert after.shape == image.shape
    assert after.dtype == np.uint8
    assert np.array_equal(image, before)


def test_a_course_of_effects_is_decided_by_its_seed() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 150, 3)).astype(np.uint8)
    courses = [degrade(image, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert np.array_equal(courses[0], courses[1])
    assert not np.array_equal(courses[0], courses[2])


def test_crops_show_a_plate_of_a_size_that_cameras_give() -> None:
    drawer, rng = Drawer(faces=OWN_STROKES), np.random.default_rng(6)
    crops = [synthetic_crop(drawer, 0.06, rng) for _ in range(50)]
    heights = [crop.image.shape[0] for crop in crops]
    assert min(heights) >= 8
    assert max(heights) < 200
    assert {crop.rows for crop in crops} == {1, 2}
