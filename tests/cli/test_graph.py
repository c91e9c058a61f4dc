"""`flowalpr graph`: drawings that we looked at and accepted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from flowalpr.cli.main import app
from flowalpr.layers import Layers

GOLDEN = Path(__file__).parents[1] / "golden" / "graph"
BUSY = """\
flow: busy
nodes:
  gate:    {uses: camera, with: {url: 0}, on_error: faults}
  clip:    {uses: video, with: {path: clip.mp4}}
  plates:  {uses: detect_text, from: [gate, clip]}
  text:    {uses: ocr_rapid, from: plates, on_error: faults}
  sure:    {uses: confident, from: text}
  tap:     {uses: debug, from: [gate, plates, sure]}
  once:    {uses: distinct, from: sure}
  show:    {uses: console, from: once}
  archive: {uses: store, from: once}
  few:     {uses: sample, from: gate, with: {every: 10}}
  log:     {uses: lines, from: [few, text], with: {path: log.jsonl}}
  faults:  {uses: console}
"""


def graph(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["graph", *arguments])
    assert result.exit_code == 0, result.exception
    return result.output


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("busy.yaml").write_text(BUSY)


@pytest.mark.parametrize(("form", "ending"), [("tree", "txt"), ("mermaid", "mmd"), ("svg", "svg")])
def test_a_drawing_is_the_one_we_accepted(form: str, ending: str, golden: Callable[[Path, str], None]) -> None:
    golden(GOLDEN / f"busy.{ending}", graph("busy.yaml", "--format", form))


def test_the_picture_is_sound_xml_and_shows_every_node() -> None:
    root = ElementTree.fromstring(graph("busy.yaml", "--format", "svg"))
    texts = {element.text for element in root.iter() if element.tag.endswith("}text")}
    assert {"gate", "clip", "plates", "text", "sure", "tap", "once", "show", "archive", "few", "log", "faults"} <= texts


def test_a_drawing_can_be_written_to_a_file() -> None:
    assert graph("busy.yaml", "-o", "busy.txt") == ""
    assert Path("busy.txt").read_text(encoding="utf-8") == graph("busy.yaml")
    for ending, form in (("svg", "svg"), ("mmd", "mermaid")):
        assert graph("busy.yaml", "-o", f"busy.{ending}") == ""
        assert Path(f"busy.{ending}").read_text(encoding="utf-8") == graph("busy.yaml", "--format", form)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=20))
def test_nothing_is_drawn_over_anything_else(pairs: list[tuple[int, int]]) -> None:
    wires = [(f"n{a}", f"n{b}") for a, b in pairs if a < b]
    sizes = {f"n{number}": (50.0 + number, 40.0) for number in range(10)}
    layers = Layers(sizes, wires, across=30, down=10, lane=18)
    places = [*layers.places.values(), *(lane for lanes in layers.lanes.values() for lane in lanes)]
    for number, one in enumerate(places):
        for other in places[:number]:
            apart = one.right <= other.left or other.right <= one.left
            assert apart or one.bottom <= other.top or other.bottom <= one.top
    for source, target in wires:
        assert layers.places[source].right < layers.places[target].left
